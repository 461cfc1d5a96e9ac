"""What the API of contacts reads and writes besides a contact itself: notes and merges."""

from rest_framework import serializers

from chat.api.serializers import PersonSerializer, WireSerializer
from chat.queries import wire
from chat.services.notes import BODY_LIMIT
from ops.kernel.api import StrictSerializer


class ContactNoteSerializer(WireSerializer):
    """Something the team wrote down about a contact."""

    render = staticmethod(wire.contact_note)

    id = serializers.UUIDField()
    contact = serializers.UUIDField()
    author = PersonSerializer(allow_null=True)
    body = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ContactNoteWriteSerializer(StrictSerializer):
    """What to write down."""

    body = serializers.CharField(max_length=BODY_LIMIT, trim_whitespace=False)


class NamedContactSerializer(StrictSerializer):
    """A contact, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ContactMergeSerializer(WireSerializer):
    """Two contacts that became one."""

    render = staticmethod(wire.contact_merge)

    id = serializers.UUIDField()
    kept = serializers.UUIDField()
    gone = NamedContactSerializer()
    by = PersonSerializer(allow_null=True, help_text="Nobody, when a channel found out by itself.")
    reason = serializers.CharField(allow_blank=True, help_text="`phone` when the number was the same.")
    at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)


class ContactMergeWriteSerializer(StrictSerializer):
    """Which two."""

    keep = serializers.UUIDField()
    gone = serializers.UUIDField()

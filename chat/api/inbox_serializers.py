"""Inboxes on the wire: how each is set up, and what it asks before a conversation begins."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.api.serializers import PersonSerializer
from chat.models import Inbox
from chat.queries import wire
from chat.services import inboxes, pre_chat
from ops.kernel.api import StrictModelSerializer, StrictSerializer


class QuestionSerializer(StrictSerializer):
    """Something an inbox asks before a conversation begins."""

    name = serializers.CharField(required=False, max_length=40)
    label = serializers.CharField(max_length=80)  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=pre_chat.TYPES)
    required = serializers.BooleanField(default=False)  # type: ignore[assignment]
    options = serializers.ListField(child=serializers.CharField(max_length=80), required=False)


class ConsentSerializer(StrictSerializer):
    """The text a visitor agrees to before anything is kept."""

    version = serializers.IntegerField()
    text = serializers.CharField()


class FeaturesSerializer(StrictSerializer):
    """What the widget of an inbox offers."""

    attachments = serializers.BooleanField(required=False)
    voice = serializers.BooleanField(required=False)
    video = serializers.BooleanField(required=False)
    emoji = serializers.BooleanField(required=False)
    csat = serializers.BooleanField(required=False)
    transcript = serializers.BooleanField(required=False)
    preview = serializers.BooleanField(required=False)
    multi_thread = serializers.BooleanField(
        required=False, help_text="Otherwise whoever begins anew goes on with the conversation that runs."
    )


class AppearanceSerializer(StrictSerializer):
    """How the chat of a website looks and what it does by itself."""

    position = serializers.ChoiceField(choices=["right", "left"], required=False)
    theme = serializers.ChoiceField(choices=["auto", "light", "dark"], required=False)
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=inboxes.LABEL_LIMIT, allow_blank=True, required=False, help_text="Words beside the bubble."
    )
    team = serializers.BooleanField(required=False, help_text="Show who is on the team.")
    sound = serializers.BooleanField(required=False)


class InboxSerializer(StrictModelSerializer):
    """A way in."""

    pre_chat_fields = QuestionSerializer(many=True)
    appearance = AppearanceSerializer()
    consent = serializers.SerializerMethodField(help_text="What visitors agree to today; null when they are not asked.")
    members = serializers.SerializerMethodField(help_text="To whom its conversations are handed out; empty: everybody.")

    @extend_schema_field(ConsentSerializer(allow_null=True))
    def get_consent(self, row: Inbox) -> dict[str, Any] | None:
        """The newest version of the text."""
        return wire.consent(row)

    @extend_schema_field(PersonSerializer(many=True))
    def get_members(self, row: Inbox) -> list[dict[str, Any] | None]:
        """By name."""
        people = sorted((one.user for one in row.inbox_members.all()), key=lambda user: (user.name.casefold(), user.pk))
        return [wire.person(user) for user in people]

    class Meta:
        model = Inbox
        fields = [
            "id",
            "name",
            "channel",
            "active",
            "website_token",
            "allowed_origins",
            "locale",
            "greeting",
            "offline_text",
            "reply_time",
            "features",
            "reopen_days",
            "retention_days",
            "pre_chat_fields",
            "consent",
            "appearance",
            "members",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class InboxPatchSerializer(StrictSerializer):
    """What can be changed about an inbox; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    active = serializers.BooleanField(required=False)
    allowed_origins = serializers.ListField(child=serializers.CharField(max_length=200), max_length=50, required=False)
    locale = serializers.ChoiceField(choices=["", "pt-br", "en"], required=False)
    greeting = serializers.CharField(max_length=300, allow_blank=True, required=False)
    offline_text = serializers.CharField(max_length=300, allow_blank=True, required=False)
    reply_time = serializers.CharField(max_length=80, allow_blank=True, required=False)
    reopen_days = serializers.IntegerField(
        min_value=0, max_value=365, required=False, help_text="0: what is resolved stays resolved."
    )
    retention_days = serializers.IntegerField(
        min_value=1,
        max_value=inboxes.LONGEST_KEPT_DAYS,
        allow_null=True,
        required=False,
        help_text="Resolved conversations nothing happened in for so long are deleted every night; null keeps them.",
    )
    features = FeaturesSerializer(required=False)
    appearance = AppearanceSerializer(required=False)
    pre_chat_fields = QuestionSerializer(many=True, required=False)
    consent_text = serializers.CharField(
        max_length=inboxes.CONSENT_LIMIT,
        allow_blank=True,
        required=False,
        help_text="What visitors agree to before they write; another text is a new version, an empty one asks nothing.",
    )


class InboxWriteSerializer(InboxPatchSerializer):
    """A new inbox; what is left out is as usual."""

    name = serializers.CharField(max_length=80)


class InboxMembersSerializer(StrictSerializer):
    """People who answer conversations."""

    members = serializers.ListField(child=serializers.UUIDField(), max_length=500)


class SnippetSerializer(StrictSerializer):
    """What goes onto the website."""

    html = serializers.CharField(help_text="To be pasted before `</body>`.")
    website_token = serializers.CharField()
    identity_secret = serializers.CharField(
        help_text="For the website's server only: HMAC-SHA256 key of visitor identifiers."
    )

"""What the API reads and writes. Answers come from `queries.wire`, the same words the sockets use; here they are declared."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from chat.enums import Channel, Delivery, Direction, EventType, Kind, LabelColor, Priority, SlaKind, Status
from chat.queries import wire
from chat.services.attachments import PER_MESSAGE
from chat.services.messages import BODY_LIMIT
from ops.kernel.api import StrictSerializer

BIGGEST = 2**63 - 1


class WireSerializer(StrictSerializer):
    """A read-only answer whose fields are declared here and filled by one function of `queries.wire`."""

    render: Callable[[Any], dict[str, Any]]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the sockets would say."""
        if isinstance(instance, dict):
            return instance
        return type(self).render(instance)


class PersonSerializer(StrictSerializer):
    """A member of the team."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    alias = serializers.CharField(required=False, help_text="What visitors read instead, where that is another name.")


class AuthorSerializer(StrictSerializer):
    """Who said something."""

    kind = serializers.ChoiceField(choices=["agent", "contact", "bot", "system"])
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    alias = serializers.CharField(required=False, help_text="Of an agent: what visitors read instead.")


class MessageSerializer(WireSerializer):
    """One line of a thread."""

    render = staticmethod(lambda row: wire.message(row, visitor=False))

    id = serializers.UUIDField()
    conversation = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="Place in the conversation; no gaps over messages and events together.")
    client_id = serializers.UUIDField(help_text="Chosen by the sender; sending it again answers this message.")
    direction = serializers.ChoiceField(choices=Direction.choices)
    kind = serializers.ChoiceField(choices=Kind.choices)
    body = serializers.CharField(allow_blank=True)
    body_html = serializers.CharField(allow_blank=True, help_text="Safe to show; empty when the text is all there is.")
    private = serializers.BooleanField(help_text="A note that only the team sees.")
    author = AuthorSerializer()
    reply_to = serializers.UUIDField(allow_null=True)
    delivery = serializers.ChoiceField(choices=Delivery.choices)
    error = serializers.CharField(
        allow_blank=True, help_text="Why it failed, in the provider's words; empty for visitors."
    )
    attachments = serializers.ListField(child=serializers.DictField(), help_text="Files, in their order.")
    meta = serializers.DictField(help_text="Of an activity line: what happened.")
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)


class InboxRefSerializer(StrictSerializer):
    """The inbox, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=Channel.choices)


class TeamRefSerializer(StrictSerializer):
    """The team, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class LabelRefSerializer(StrictSerializer):
    """A label, as it is drawn."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    color = serializers.ChoiceField(choices=LabelColor.choices)


class ContactRefSerializer(StrictSerializer):
    """The contact, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)


class QueueSerializer(StrictSerializer):
    """The place in the queue."""

    position = serializers.IntegerField(help_text="1 is next.")
    wait_s = serializers.IntegerField(allow_null=True, help_text="How long the last ones waited, on average.")


class ClockSerializer(StrictSerializer):
    """The promised time that ends next."""

    kind = serializers.ChoiceField(choices=SlaKind.choices)
    state = serializers.ChoiceField(choices=["running", "warned", "breached", "paused"])
    started_at = serializers.DateTimeField()
    warn_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    left_s = serializers.IntegerField(allow_null=True, help_text="What remains of a paused clock.")
    target_s = serializers.IntegerField()


class ConversationSerializer(WireSerializer):
    """A conversation, without its messages."""

    render = staticmethod(wire.conversation)

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Status.choices)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.choices)
    assignee = PersonSerializer(allow_null=True)
    team = TeamRefSerializer(allow_null=True)
    labels = LabelRefSerializer(many=True)
    muted = serializers.BooleanField(help_text="Nobody is notified of what comes in it.")
    spam = serializers.BooleanField()
    merged_into = serializers.IntegerField(allow_null=True, help_text="Number of the one it continues in.")
    attrs = serializers.DictField()
    inbox = InboxRefSerializer()
    contact = ContactRefSerializer()
    last_seq = serializers.IntegerField(help_text="The newest event's place.")
    agent_seen_seq = serializers.IntegerField()
    contact_seen_seq = serializers.IntegerField()
    contact_delivered_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text="Messages of the visitor that nobody of the team has seen.")
    preview = serializers.CharField(allow_blank=True)
    preview_direction = serializers.ChoiceField(choices=Direction.choices, allow_blank=True)
    waiting_since = serializers.DateTimeField(allow_null=True)
    first_reply_at = serializers.DateTimeField(allow_null=True)
    last_message_at = serializers.DateTimeField(allow_null=True)
    last_activity_at = serializers.DateTimeField()
    over_quota = serializers.BooleanField()
    window_ends_at = serializers.DateTimeField(
        allow_null=True, help_text="WhatsApp: until when free words may be sent; afterwards only templates."
    )
    queue = QueueSerializer(allow_null=True, help_text="As the visitor was last told.")
    sla = ClockSerializer(allow_null=True)
    page_url = serializers.CharField(allow_blank=True)
    referrer = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class PageSerializer(StrictSerializer):
    """A page of the website."""

    url = serializers.CharField(max_length=500)
    title = serializers.CharField(max_length=200, allow_blank=True, required=False)


class LastPageSerializer(PageSerializer):
    """The page a visitor is on, and how they came to it."""

    before = PageSerializer(many=True, required=False, help_text="Up to five pages before it, the newest first.")


class ContactSerializer(WireSerializer):
    """A person outside."""

    render = staticmethod(wire.contact)

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    company = serializers.CharField(allow_blank=True)
    identifier = serializers.CharField(allow_null=True)
    attrs = serializers.DictField()
    blocked = serializers.BooleanField()
    labels = LabelRefSerializer(many=True)
    consent_at = serializers.DateTimeField(allow_null=True)
    merged_into = serializers.UUIDField(allow_null=True, help_text="The contact this one turned out to be.")
    last_seen_at = serializers.DateTimeField(allow_null=True)
    last_page = LastPageSerializer(allow_null=True)
    created_at = serializers.DateTimeField()


class EventSerializer(WireSerializer):
    """One entry of a conversation's history, as the sockets send it."""

    type = serializers.ChoiceField(choices=["event"])
    conversation = serializers.UUIDField()
    seq = serializers.IntegerField()
    event = serializers.ChoiceField(choices=EventType.choices)
    data = serializers.DictField()  # type: ignore[assignment]


class EventsSerializer(StrictSerializer):
    """What happened after a place in one conversation."""

    events = EventSerializer(many=True)
    has_more = serializers.BooleanField()


class StreamSerializer(EventsSerializer):
    """What happened in the tenant after a cursor."""

    cursor = serializers.CharField()


class MessagePageSerializer(StrictSerializer):
    """Messages, oldest first; `previous` is the address of older ones."""

    results = MessageSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class CountsSerializer(StrictSerializer):
    """How much there is to do."""

    open = serializers.IntegerField()
    mine = serializers.IntegerField(help_text="Open and assigned to the caller.")
    queue = serializers.IntegerField(help_text="Open and nobody's.")
    team = serializers.IntegerField(help_text="Open and of a team the caller belongs to.")
    mentioned = serializers.IntegerField(help_text="Open, and somebody calls the caller in them.")
    pending = serializers.IntegerField()
    snoozed = serializers.IntegerField()
    unread = serializers.IntegerField(
        help_text="Conversations with something unread that are the caller's or nobody's."
    )


class ViewersSerializer(StrictSerializer):
    """Who has a conversation open."""

    users = PersonSerializer(many=True)


class AttachmentIdsField(serializers.ListField):
    """Complete uploads of the sender, in the order they are shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "child": serializers.UUIDField(),
                "default": list,
                "max_length": PER_MESSAGE,
                "help_text": "Ids of `POST uploads/`.",
                **kwargs,
            }
        )


class MessageCreateSerializer(StrictSerializer):
    """A reply or a note."""

    client_id = serializers.UUIDField(help_text="Made by the sender once a message; sending it again is safe.")
    body = serializers.CharField(
        max_length=BODY_LIMIT, trim_whitespace=False, allow_blank=True, default="", help_text="May be empty with files."
    )
    private = serializers.BooleanField(default=False)
    reply_to = serializers.UUIDField(allow_null=True, default=None)
    attachment_ids = AttachmentIdsField()
    mentions = serializers.ListField(
        child=serializers.UUIDField(), max_length=50, default=list, help_text="People and teams who are called."
    )


class MessageEditSerializer(StrictSerializer):
    """Other words for a message."""

    body = serializers.CharField(max_length=BODY_LIMIT, trim_whitespace=False)


class FirstMessageSerializer(StrictSerializer):
    """The message a conversation begins with."""

    client_id = serializers.UUIDField()
    body = serializers.CharField(max_length=BODY_LIMIT, trim_whitespace=False, allow_blank=True, default="")
    attachment_ids = AttachmentIdsField()


class ConversationCreateSerializer(StrictSerializer):
    """Writing to a contact first."""

    contact = serializers.UUIDField()
    inbox = serializers.UUIDField(required=False, help_text="The first active one when left out.")
    client_id = serializers.UUIDField(help_text="Made by the caller once a conversation; sending it again is safe.")
    first_message = FirstMessageSerializer(required=False)


class ConversationPatchSerializer(StrictSerializer):
    """What can be changed about a conversation; what is left out stays."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    snoozed_until = serializers.DateTimeField(allow_null=True, required=False, help_text="Only with `status: snoozed`.")
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    attrs = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        required=False,
        help_text="Texts by name; an empty one removes it, those left out stay.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An end of a snooze needs a snooze."""
        if attrs.get("snoozed_until") is not None and attrs.get("status") != Status.SNOOZED:
            raise serializers.ValidationError(
                {"snoozed_until": [serializers.ErrorDetail("Only with status snoozed.", code="invalid")]}
            )
        return attrs


class AssignSerializer(StrictSerializer):
    """Who gets the conversation."""

    assignee = serializers.UUIDField()


class ReadSerializer(StrictSerializer):
    """Everything up to this place was seen."""

    seq = serializers.IntegerField(min_value=0, max_value=BIGGEST)


class TypingSerializer(StrictSerializer):
    """Somebody writes, or stopped."""

    on = serializers.BooleanField()
    private = serializers.BooleanField(default=False)


class ContactWriteSerializer(StrictSerializer):
    """What can be said about a contact."""

    name = serializers.CharField(max_length=120, allow_blank=True, required=False)
    email = serializers.CharField(max_length=254, allow_blank=True, required=False)
    phone = serializers.CharField(
        max_length=40,
        allow_blank=True,
        required=False,
        source="phone_e164",
        help_text="With country code; Brazilian ones as people write them.",
    )
    company = serializers.CharField(max_length=120, allow_blank=True, required=False)
    identifier = serializers.CharField(max_length=120, allow_null=True, required=False)
    attrs = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        required=False,
        help_text="Up to 50 texts by name.",
    )
    blocked = serializers.BooleanField(required=False)

    def validate_attrs(self, value: dict[str, str]) -> dict[str, str]:
        """A sane number of sane names."""
        if len(value) > 50 or any(len(name) > 60 for name in value):
            raise serializers.ValidationError(
                "At most 50 attributes with names of up to 60 characters.", code="too_many"
            )
        return value

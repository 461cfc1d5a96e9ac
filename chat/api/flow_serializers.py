"""What the API reads and writes about hours, routing, service levels, surveys and left messages."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from chat.enums import (
    AssignmentMode,
    CsatScale,
    HolidayCalendar,
    ReopenTo,
)
from chat.models import CsatResponse, Holiday, Inbox, LeftMessage, SlaPolicy
from chat.models.hours import office_week
from chat.queries import opening, wire
from chat.services import csat, routing
from ops.kernel.api import StrictModelSerializer, StrictSerializer

NUMBER: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class InboxNameSerializer(StrictSerializer):
    """An inbox, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


# --- Hours ----------------------------------------------------------------------------------------------

WEEK_HELP = 'Seven lists, Monday first, of pairs such as `["09:00", "18:00"]`; `"24:00"` ends a day.'


def week_field(**kwargs: Any) -> serializers.ListField:
    """Seven days of pairs."""
    pair = serializers.ListField(child=serializers.CharField(max_length=5), min_length=2, max_length=2)
    day = serializers.ListField(child=pair, max_length=6)
    return serializers.ListField(child=day, min_length=7, max_length=7, help_text=WEEK_HELP, **kwargs)


class HoursSerializer(StrictSerializer):
    """When one inbox is staffed."""

    inbox = InboxNameSerializer()
    active = serializers.BooleanField(help_text="Without it the inbox is always open.")
    timezone = serializers.CharField(help_text="The zone in force: the inbox's own, else the company's.")
    week = week_field()
    calendar = serializers.ChoiceField(choices=HolidayCalendar.choices, allow_blank=True)
    state = serializers.CharField(allow_blank=True)
    optional_days = serializers.BooleanField()
    away_reply = serializers.CharField(allow_blank=True)
    open_now = serializers.BooleanField()
    opens_at = serializers.DateTimeField(allow_null=True, help_text="When it opens next; nothing while it is open.")

    @staticmethod
    def told(inbox: Inbox, calendar: opening.Calendar, *, now: datetime) -> dict[str, Any]:
        """The hours of an inbox as they are now."""
        kept = getattr(inbox, "hours", None)
        is_open = calendar.is_open(now)
        return {
            "inbox": {"id": str(inbox.pk), "name": inbox.name},
            "active": bool(kept and kept.active),
            "timezone": str(calendar.zone),
            "week": kept.week if kept else office_week(),
            "calendar": kept.calendar if kept else "",
            "state": kept.state if kept else "",
            "optional_days": bool(kept and kept.optional_days),
            "away_reply": kept.away_reply if kept else "",
            "open_now": is_open,
            "opens_at": None if is_open else wire.instant(calendar.next_opening(now)),
        }


class HoursWriteSerializer(StrictSerializer):
    """What can be changed; what is left out stays."""

    active = serializers.BooleanField(required=False)
    timezone = serializers.CharField(max_length=40, allow_blank=True, required=False)
    week = week_field(required=False)
    calendar = serializers.ChoiceField(choices=HolidayCalendar.choices, allow_blank=True, required=False)
    state = serializers.ChoiceField(choices=opening.states(), allow_blank=True, required=False)
    optional_days = serializers.BooleanField(required=False)
    away_reply = serializers.CharField(max_length=500, allow_blank=True, required=False)


class HolidaySerializer(StrictModelSerializer):
    """A day with other hours."""

    class Meta:
        model = Holiday
        fields = ["id", "on", "name", "yearly", "opens_at", "closes_at"]
        read_only_fields = fields


class HolidayWriteSerializer(StrictSerializer):
    """A day with other hours; without times it is closed."""

    on = serializers.DateField()
    name = serializers.CharField(max_length=80)
    yearly = serializers.BooleanField(default=False)
    opens_at = serializers.TimeField(allow_null=True, default=None)
    closes_at = serializers.TimeField(allow_null=True, default=None)


class PublicHolidaySerializer(StrictSerializer):
    """A public holiday."""

    on = serializers.DateField()
    name = serializers.CharField()


class PublicHolidaysSerializer(StrictSerializer):
    """Public holidays of a year."""

    days = PublicHolidaySerializer(many=True)


# --- Routing --------------------------------------------------------------------------------------------


class RoutingSerializer(StrictSerializer):
    """How one inbox hands out its conversations."""

    inbox = InboxNameSerializer()
    mode = serializers.ChoiceField(choices=AssignmentMode.choices)
    reopen_to = serializers.ChoiceField(choices=ReopenTo.choices)
    capacity = serializers.IntegerField(help_text="Open conversations of an agent who has no number of their own.")

    @staticmethod
    def told(inbox: Inbox) -> dict[str, Any]:
        """The routing of an inbox."""
        return {"inbox": {"id": str(inbox.pk), "name": inbox.name}, **routing.settings_of(inbox)}


class RoutingWriteSerializer(StrictSerializer):
    """What can be changed; what is left out stays."""

    mode = serializers.ChoiceField(choices=AssignmentMode.choices, required=False)
    reopen_to = serializers.ChoiceField(choices=ReopenTo.choices, required=False)
    capacity = serializers.IntegerField(min_value=1, max_value=routing.MOST_CAPACITY, required=False)


# --- Service levels -------------------------------------------------------------------------------------


class SlaPolicySerializer(StrictModelSerializer):
    """Promised times, in minutes."""

    inboxes = InboxNameSerializer(many=True, help_text="Whose new conversations get it.")

    class Meta:
        model = SlaPolicy
        fields = [
            "id",
            "name",
            "description",
            "first_response_min",
            "next_response_min",
            "resolution_min",
            "business_hours",
            "warn_percent",
            "active",
            "inboxes",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class SlaPolicyWriteSerializer(StrictSerializer):
    """Promised times; an empty one is not promised."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    first_response_min = serializers.IntegerField(min_value=1, max_value=525_600, allow_null=True, required=False)
    next_response_min = serializers.IntegerField(min_value=1, max_value=525_600, allow_null=True, required=False)
    resolution_min = serializers.IntegerField(min_value=1, max_value=525_600, allow_null=True, required=False)
    business_hours = serializers.BooleanField(required=False)
    warn_percent = serializers.IntegerField(min_value=1, max_value=100, required=False)
    active = serializers.BooleanField(required=False)
    inboxes = serializers.ListField(child=serializers.UUIDField(), max_length=200, required=False)


class ApplySerializer(StrictSerializer):
    """Which conversation, by its number."""

    conversation = serializers.IntegerField(**NUMBER)


# --- Surveys --------------------------------------------------------------------------------------------


class CsatResponseSerializer(StrictModelSerializer):
    """One answer."""

    conversation = serializers.IntegerField(source="conversation.number")
    contact = serializers.SerializerMethodField()
    agent = serializers.SerializerMethodField()

    class Meta:
        model = CsatResponse
        fields = ["id", "conversation", "contact", "agent", "scale", "rating", "comment", "asked_at", "answered_at"]
        read_only_fields = fields

    def get_contact(self, row: CsatResponse) -> dict[str, str]:
        """Who answered."""
        return {"id": str(row.contact_id), "name": str(row.contact)}

    def get_agent(self, row: CsatResponse) -> dict[str, Any] | None:
        """About whom."""
        return wire.person(row.agent)


class CsatSettingsSerializer(StrictSerializer):
    """The survey of an inbox."""

    enabled = serializers.BooleanField(required=False)
    scale = serializers.ChoiceField(choices=CsatScale.choices, required=False)
    pause_days = serializers.IntegerField(
        min_value=0, max_value=365, required=False, help_text="Nobody is asked again within so many days."
    )
    question = serializers.CharField(max_length=csat.TEXT_LIMIT, allow_blank=True, required=False)
    comment_prompt = serializers.CharField(max_length=csat.TEXT_LIMIT, allow_blank=True, required=False)
    thanks = serializers.CharField(max_length=csat.TEXT_LIMIT, allow_blank=True, required=False)
    low = serializers.CharField(max_length=csat.LABEL_LIMIT, allow_blank=True, required=False)
    high = serializers.CharField(max_length=csat.LABEL_LIMIT, allow_blank=True, required=False)


class CsatAnswerSerializer(StrictSerializer):
    """A visitor's answer."""

    rating = serializers.IntegerField(min_value=0, max_value=10)
    comment = serializers.CharField(max_length=csat.COMMENT_LIMIT, allow_blank=True, required=False)


class CsatAnsweredSerializer(StrictSerializer):
    """What is kept of it."""

    rating = serializers.IntegerField()
    comment = serializers.CharField(allow_blank=True)


# --- Left messages --------------------------------------------------------------------------------------


class LeftMessageSerializer(StrictModelSerializer):
    """What a visitor left."""

    inbox = InboxNameSerializer(source="contact_inbox.inbox")
    contact = serializers.UUIDField(source="contact_inbox.contact_id")
    conversation = serializers.IntegerField(source="conversation.number", default=None, allow_null=True)

    class Meta:
        model = LeftMessage
        fields = [
            "id",
            "inbox",
            "contact",
            "name",
            "email",
            "body",
            "page_url",
            "left_at",
            "conversation",
            "dismissed_at",
        ]
        read_only_fields = fields


class TakenUpSerializer(StrictSerializer):
    """The conversation it became, by its number."""

    conversation = serializers.IntegerField()


class LeaveSerializer(StrictSerializer):
    """What a visitor leaves; the same `client_id` again adds what was missing."""

    client_id = serializers.UUIDField()
    body = serializers.CharField(max_length=8_000, trim_whitespace=False)
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    email = serializers.CharField(max_length=254, allow_blank=True, default="")
    page_url = serializers.CharField(max_length=500, allow_blank=True, default="")


class LeftSerializer(StrictSerializer):
    """It is kept."""

    id = serializers.UUIDField()
    client_id = serializers.UUIDField()

"""What the API of the desk reads and writes: teams, labels, canned replies, views, drafts, notifications, agents."""

from typing import Any

from rest_framework import serializers

from chat.api.serializers import BIGGEST, PersonSerializer, WireSerializer
from chat.enums import Availability, LabelColor, NotificationKind, Priority, Scope, Status
from chat.queries import desk, inbox, wire
from chat.services.messages import BODY_LIMIT
from ops.kernel.api import StrictSerializer

# --- Conversations ---------------------------------------------------------------------------------------


def keys(**options: Any) -> serializers.ListField:
    """A list of ids."""
    return serializers.ListField(child=serializers.UUIDField(), max_length=100, **options)


class LabelsPutSerializer(StrictSerializer):
    """Either all labels, or what changes."""

    labels = keys(required=False, help_text="Exactly these.")
    add = keys(required=False)
    remove = keys(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One way or the other."""
        if not attrs or ("labels" in attrs and len(attrs) > 1):
            raise serializers.ValidationError(
                {"labels": [serializers.ErrorDetail("Send either labels, or add and remove.", code="invalid")]}
            )
        return attrs


class TeamPutSerializer(StrictSerializer):
    """Which team looks after it."""

    team = serializers.UUIDField(allow_null=True)


class TransferSerializer(StrictSerializer):
    """Who takes over, and what they should know."""

    assignee = serializers.UUIDField(allow_null=True, default=None)
    team = serializers.UUIDField(allow_null=True, default=None)
    note = serializers.CharField(max_length=BODY_LIMIT, allow_blank=True, default="")
    client_id = serializers.UUIDField(allow_null=True, default=None, help_text="Of the note, made by the caller.")


class MuteSerializer(StrictSerializer):
    """Quiet or not."""

    muted = serializers.BooleanField(default=True)


class SpamSerializer(StrictSerializer):
    """Spam or not."""

    spam = serializers.BooleanField(default=True)
    block = serializers.BooleanField(default=False, help_text="Keep the contact from writing again.")


class MergeSerializer(StrictSerializer):
    """Where it continues."""

    into = serializers.IntegerField(min_value=1, max_value=BIGGEST, help_text="Number of the other conversation.")


# --- Teams and labels ------------------------------------------------------------------------------------


class TeamSerializer(WireSerializer):
    """A group of agents."""

    render = staticmethod(desk.team)

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    members = PersonSerializer(many=True)


class TeamWriteSerializer(StrictSerializer):
    """What can be said about a team."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    members = keys(required=False, help_text="People who answer conversations; all of them.")


class LabelSerializer(WireSerializer):
    """A word conversations can carry."""

    render = staticmethod(desk.label)

    id = serializers.UUIDField()
    name = serializers.CharField()
    color = serializers.ChoiceField(choices=LabelColor.choices)
    description = serializers.CharField(allow_blank=True)


class LabelWriteSerializer(StrictSerializer):
    """What can be said about a label."""

    name = serializers.CharField(max_length=40)
    color = serializers.ChoiceField(choices=LabelColor.choices, required=False)
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)


# --- Canned replies, views, drafts -------------------------------------------------------------------------


class CannedSerializer(WireSerializer):
    """A ready answer."""

    render = staticmethod(desk.canned)

    id = serializers.UUIDField()
    shortcut = serializers.CharField()
    body = serializers.CharField(help_text="May hold places such as `{{ contact.first_name }}`.")
    text = serializers.CharField(help_text="The body with its places filled, when `?conversation=` names one.")
    scope = serializers.ChoiceField(choices=Scope.choices)
    team = serializers.UUIDField(allow_null=True)


class CannedWriteSerializer(StrictSerializer):
    """What can be said about a ready answer."""

    shortcut = serializers.CharField(max_length=41)
    body = serializers.CharField(max_length=BODY_LIMIT, trim_whitespace=False)
    scope = serializers.ChoiceField(choices=Scope.choices, required=False)
    team = serializers.UUIDField(required=False, allow_null=True, help_text="With `scope: team`.")


class FiltersSerializer(StrictSerializer):
    """The words of `GET conversations/`."""

    status = serializers.ListField(child=serializers.ChoiceField(choices=Status.choices), required=False)
    priority = serializers.ListField(child=serializers.ChoiceField(choices=Priority.choices), required=False)
    assignee = serializers.CharField(max_length=36, required=False)
    team = serializers.CharField(max_length=36, required=False)
    label = serializers.ListField(  # type: ignore[assignment]
        child=serializers.UUIDField(), max_length=20, required=False
    )
    inbox = serializers.UUIDField(required=False)
    contact = serializers.UUIDField(required=False)
    unread = serializers.BooleanField(required=False)
    mentioned = serializers.BooleanField(required=False)
    spam = serializers.BooleanField(required=False)
    q = serializers.CharField(max_length=100, required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Ids as text, which is how they are kept."""
        found: dict[str, Any] = super().to_internal_value(data)
        for name in ("inbox", "contact"):
            if name in found:
                found[name] = str(found[name])
        if "label" in found:
            found["label"] = [str(key) for key in found["label"]]
        return found


class ViewSerializer(WireSerializer):
    """A list of conversations under a name."""

    render = staticmethod(desk.view)

    id = serializers.UUIDField()
    name = serializers.CharField()
    filters = FiltersSerializer()
    sort = serializers.ChoiceField(choices=[*inbox.SORTS], allow_blank=True)
    position = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=Scope.choices)
    team = serializers.UUIDField(allow_null=True)


class ViewWriteSerializer(StrictSerializer):
    """What can be said about a view."""

    name = serializers.CharField(max_length=60)
    filters = FiltersSerializer()
    sort = serializers.ChoiceField(choices=[*inbox.SORTS], allow_blank=True, required=False)
    position = serializers.IntegerField(min_value=0, max_value=999, required=False)
    scope = serializers.ChoiceField(choices=Scope.choices, required=False)
    team = serializers.UUIDField(required=False, allow_null=True, help_text="With `scope: team`.")


class DraftSerializer(WireSerializer):
    """What was begun and not sent."""

    render = staticmethod(desk.draft)

    number = serializers.IntegerField(help_text="Of the conversation.")
    conversation = serializers.UUIDField()
    private = serializers.BooleanField()
    body = serializers.CharField(allow_blank=True)
    reply_to = serializers.UUIDField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)


class DraftWriteSerializer(StrictSerializer):
    """What was written so far; an empty text removes the draft."""

    body = serializers.CharField(max_length=BODY_LIMIT, allow_blank=True, trim_whitespace=False)
    private = serializers.BooleanField(default=False)
    reply_to = serializers.UUIDField(allow_null=True, default=None)


# --- Notifications -----------------------------------------------------------------------------------------


class AboutContactSerializer(StrictSerializer):
    """Who it is about."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class AboutSerializer(StrictSerializer):
    """Which conversation it is about."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    contact = AboutContactSerializer()


class NotificationSerializer(WireSerializer):
    """Something to look at."""

    render = staticmethod(wire.notification)

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=NotificationKind.choices)
    text = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField(help_text="How often since it was last looked at.")
    author = PersonSerializer(allow_null=True)
    conversation = AboutSerializer(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()


class NotificationReadSerializer(StrictSerializer):
    """Which ones were looked at; left out, all of them."""

    ids = keys(required=False)


class UnreadSerializer(StrictSerializer):
    """How many are left."""

    unread = serializers.IntegerField()


class PushKeysSerializer(StrictSerializer):
    """The browser's own keys."""

    p256dh = serializers.CharField(max_length=120)
    auth = serializers.CharField(max_length=60)


class PushWriteSerializer(StrictSerializer):
    """What `PushManager.subscribe()` gave, as its `toJSON()` says it."""

    endpoint = serializers.URLField(max_length=1000)
    keys = PushKeysSerializer()
    expirationTime = serializers.FloatField(required=False, allow_null=True)


class PushSerializer(StrictSerializer):
    """A browser that is told while the console is closed."""

    id = serializers.UUIDField()
    browser = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)


class PushListSerializer(StrictSerializer):
    """The caller's browsers, and the key to subscribe another one with."""

    public_key = serializers.CharField(help_text="`applicationServerKey`, in URL-safe base64.")
    subscriptions = PushSerializer(many=True)


# --- Agents --------------------------------------------------------------------------------------------------


class NamedSerializer(StrictSerializer):
    """Something, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class AgentSerializer(WireSerializer):
    """Somebody who answers conversations."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(
        choices=Availability.choices, help_text="What they are now: `offline` without an open console."
    )
    availability = serializers.ChoiceField(choices=Availability.choices, help_text="What they say.")
    auto_offline = serializers.BooleanField()
    display_name = serializers.CharField(allow_blank=True, help_text="What visitors read instead of the name.")
    capacity = serializers.IntegerField(allow_null=True)
    open_count = serializers.IntegerField()
    last_assigned_at = serializers.DateTimeField(allow_null=True)
    teams = NamedSerializer(many=True)
    inboxes = NamedSerializer(many=True)


class AgentMeSerializer(AgentSerializer):
    """The caller as an agent."""

    signature = serializers.CharField(allow_blank=True)
    notify = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By kind of notification: any of `in_app`, `push`.",
    )
    ui_prefs = serializers.DictField()


class AgentPatchSerializer(StrictSerializer):
    """How an agent works; what is left out stays."""

    display_name = serializers.CharField(max_length=80, allow_blank=True, required=False)
    signature = serializers.CharField(max_length=500, allow_blank=True, required=False, trim_whitespace=False)
    availability = serializers.ChoiceField(choices=Availability.choices, required=False)
    auto_offline = serializers.BooleanField(required=False)
    capacity = serializers.IntegerField(
        min_value=0, max_value=500, allow_null=True, required=False, help_text="For those who set up teams."
    )
    notify = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=10), max_length=5), required=False
    )
    ui_prefs = serializers.DictField(
        required=False, help_text="The console's own words: texts, numbers, yes and no; null removes one."
    )


# --- Many at once ----------------------------------------------------------------------------------------------


class BulkSerializer(StrictSerializer):
    """The same for several conversations."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST), min_length=1, max_length=200
    )
    action = serializers.ChoiceField(
        choices=[
            "resolve",
            "reopen",
            "snooze",
            "assign",
            "unassign",
            "claim",
            "team",
            "labels",
            "priority",
            "read",
            "unread",
            "mute",
            "unmute",
            "spam",
        ]
    )
    snoozed_until = serializers.DateTimeField(required=False, allow_null=True)
    assignee = serializers.UUIDField(required=False)
    team = serializers.UUIDField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    add = keys(required=False)
    remove = keys(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What the action needs."""
        needed = {"assign": "assignee", "team": "team", "priority": "priority"}.get(attrs["action"])
        if needed is not None and needed not in attrs:
            raise serializers.ValidationError(
                {needed: [serializers.ErrorDetail("This action needs it.", code="required")]}
            )
        return attrs


class BulkRowSerializer(StrictSerializer):
    """How it went for one."""

    id = serializers.IntegerField(help_text="The conversation's number.")
    ok = serializers.BooleanField()
    code = serializers.CharField(allow_blank=True, help_text="Why not, for programs.")
    detail = serializers.CharField(allow_blank=True, help_text="Why not, for people.")


class BulkResultSerializer(StrictSerializer):
    """How it went, one by one."""

    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = BulkRowSerializer(many=True)

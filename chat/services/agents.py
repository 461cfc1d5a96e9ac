"""Agents: whether they take work, how much of it, and how they sign."""

from datetime import datetime
from typing import Any

from django.db import transaction

from chat.enums import Availability, NotificationKind
from chat.errors import NotAnAgent
from chat.events import AgentAvailable
from chat.models import AgentProfile
from chat.services import catalogue, presence
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.outbox import services as outbox

OWN = {"display_name", "signature", "availability", "auto_offline", "notify", "ui_prefs"}
WAYS = ("in_app", "push")
MOST_PREFS = 50


def profile_of(user: Any) -> AgentProfile:
    """The person as an agent; made when it is asked for the first time. Raises `NotAnAgent`."""
    if not (user.is_active and user.has_perm("chat.reply_conversation")):
        raise NotAnAgent(field="agent")
    return AgentProfile.objects.get_or_create(user=user)[0]


@transaction.atomic
def change(*, user: Any, by: Any, now: datetime | None = None, **fields: Any) -> AgentProfile:
    """Change how somebody works; `capacity` is for those who set up teams, the rest is also one's own.

    Raises `NotAnAgent`, `Invalid`. Who may change whom is the door's business.
    """
    profile_of(user)
    profile = AgentProfile.objects.select_for_update().get(user=user)
    _check(fields)
    roomier = _has_more_room(profile.capacity, fields["capacity"]) if "capacity" in fields else False
    availability = fields.pop("availability", None)
    if "ui_prefs" in fields:
        kept = {**profile.ui_prefs, **fields["ui_prefs"]}
        fields["ui_prefs"] = {name: value for name, value in kept.items() if value is not None}
        if len(fields["ui_prefs"]) > MOST_PREFS:
            raise Invalid(field="ui_prefs")
    if "notify" in fields:
        fields["notify"] = {**profile.notify, **fields["notify"]}
    for name, value in fields.items():
        setattr(profile, name, value)
    if fields:
        profile.save(update_fields=[*fields, "updated_at"])
    loud = sorted(set(fields) - {"ui_prefs"})
    if loud:
        audit.record("chat.agent_changed", by=by, on=user, detail={"fields": loud}, now=now)
        catalogue.changed("agents")
    if availability is not None:
        presence.set_state(user=user, state=availability)
        profile.availability = availability
    elif roomier:
        outbox.publish(AgentAvailable(user_id=str(user.pk)))
    if "auto_offline" in fields:
        transaction.on_commit(lambda: presence.tell_agent(user))
    return profile


def wants(profile: AgentProfile | None, kind: str, way: str) -> bool:
    """Whether somebody wants to be told of this in that way; everything is on until it is switched off."""
    chosen = (profile.notify if profile is not None else {}).get(kind)
    return way in (default_ways(kind) if chosen is None else chosen)


def default_ways(kind: str) -> tuple[str, ...]:
    """How somebody is told who never chose. The queue is seen in the list: of it only those hear who ask."""
    return () if kind == NotificationKind.QUEUE else WAYS


def _has_more_room(before: int | None, after: int | None) -> bool:
    return after is None or (before is not None and after > before)


def _check(fields: dict[str, Any]) -> None:
    unknown = set(fields) - OWN - {"capacity"}
    if unknown:
        raise TypeError(f"These are no settings of an agent: {', '.join(sorted(unknown))}.")
    if "availability" in fields and fields["availability"] not in Availability.values:
        raise Invalid(field="availability")
    capacity = fields.get("capacity")
    if capacity is not None and not 0 <= capacity <= 500:
        raise Invalid(field="capacity")
    for kind, ways in fields.get("notify", {}).items():
        if kind not in NotificationKind.values or not isinstance(ways, list) or not set(ways) <= set(WAYS):
            raise Invalid(field=f"notify.{kind}"[:100])
    for name, value in fields.get("ui_prefs", {}).items():
        fits = value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200)
        if len(name) > 40 or not fits:
            raise Invalid(field="ui_prefs")

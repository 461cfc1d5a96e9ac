"""Business hours and holidays of an inbox."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from chat.enums import HolidayCalendar, Status
from chat.models import BusinessHours, Conversation, Holiday, Inbox
from chat.queries import opening
from chat.services import messages, sla
from ops.kernel.audit import services as audit
from ops.kernel.errors import Conflict, FieldError, Invalid
from ops.kernel.tasks import enqueue

MOST_SPANS = 6
MOST_HOLIDAYS = 366


class HolidayTaken(Conflict):
    """The inbox already has an entry for that day."""

    code = "holiday_taken"
    message = _("There is already an entry for this day.")


def is_open(inbox: Inbox, at: datetime) -> bool:
    """Whether an inbox is staffed at an instant. An inbox without hours always is."""
    return opening.of(inbox).is_open(at)


def next_opening(inbox: Inbox, at: datetime) -> datetime | None:
    """When it opens next; `at` itself when it is open, nothing when it never opens again."""
    return opening.of(inbox).next_opening(at)


def of(inbox: Inbox) -> BusinessHours:
    """The hours of an inbox; unsaved and not in force when nobody set any."""
    return BusinessHours.objects.filter(inbox=inbox).first() or BusinessHours(inbox=inbox)


@transaction.atomic
def change(
    *,
    inbox: Inbox,
    by: Any,
    now: datetime,
    active: bool | None = None,
    week: list[list[list[str]]] | None = None,
    timezone: str | None = None,
    calendar: str | None = None,
    state: str | None = None,
    optional_days: bool | None = None,
    away_reply: str | None = None,
) -> BusinessHours:
    """Set what is given of an inbox's hours. Clocks that run keep the time they have left. Raises `Invalid`."""
    inbox = Inbox.objects.select_for_update().get(pk=inbox.pk)
    before = opening.of(inbox)
    hours = of(inbox)
    if week is not None:
        hours.week = _week(week)
    if timezone is not None and timezone != inbox.timezone:
        inbox.timezone = _zone(timezone)
        inbox.save(update_fields=["timezone", "updated_at"])
    if calendar is not None:
        if calendar not in HolidayCalendar.values:
            raise Invalid(field="calendar")
        hours.calendar = calendar
    if state is not None:
        if state and state not in opening.states():
            raise Invalid(_("Choose one of the states."), field="state")
        hours.state = state
    if optional_days is not None:
        hours.optional_days = optional_days
    if away_reply is not None:
        hours.away_reply = away_reply.strip()[:500]
    if active is not None:
        hours.active = active
    hours.save()
    audit.record("chat.hours_changed", by=by, on=inbox, now=now)
    _changed(inbox, before, now=now)
    return hours


@transaction.atomic
def add_holiday(
    *,
    inbox: Inbox,
    on: date,
    name: str,
    by: Any,
    now: datetime,
    yearly: bool = False,
    opens_at: time | None = None,
    closes_at: time | None = None,
) -> Holiday:
    """Keep other hours on a day: closed, or open between two times. Raises `Invalid`, `HolidayTaken`."""
    name = name.strip()
    if not name:
        raise Invalid(_("Give the day a name."), field="name")
    if (opens_at is None) != (closes_at is None):
        raise Invalid(_("Give both times, or none for a day off."), field="closes_at" if opens_at else "opens_at")
    if opens_at is not None and closes_at is not None and opens_at >= closes_at:
        raise Invalid(_("It must close after it opens."), field="closes_at")
    inbox = Inbox.objects.select_for_update().get(pk=inbox.pk)
    if Holiday.objects.filter(inbox=inbox).count() >= MOST_HOLIDAYS:
        raise Invalid(_("An inbox can have up to %(limit)s days of its own.") % {"limit": MOST_HOLIDAYS}, field="on")
    before = opening.of(inbox)
    try:
        with transaction.atomic():
            holiday = Holiday.objects.create(
                inbox=inbox, on=on, name=name[:80], yearly=yearly, opens_at=opens_at, closes_at=closes_at
            )
    except IntegrityError as error:
        raise HolidayTaken(field="on") from error
    audit.record("chat.holiday_added", by=by, on=inbox, detail={"day": on.isoformat(), "name": name}, now=now)
    _changed(inbox, before, now=now)
    return holiday


@transaction.atomic
def remove_holiday(*, holiday_id: UUID, by: Any, now: datetime) -> None:
    """Go back to the usual hours on that day; nothing happens when it is gone already."""
    holiday = Holiday.objects.select_related("inbox").filter(pk=holiday_id).first()
    if holiday is None:
        return
    before = opening.of(holiday.inbox)
    holiday.delete()
    audit.record(
        "chat.holiday_removed",
        by=by,
        on=holiday.inbox,
        detail={"day": holiday.on.isoformat(), "name": holiday.name},
        now=now,
    )
    _changed(holiday.inbox, before, now=now)


def _changed(inbox: Inbox, before: opening.Calendar, *, now: datetime) -> None:
    sla.keep_what_is_left(inbox=inbox, before=before, after=opening.of(inbox), now=now)
    # New hours may open the inbox at this moment.
    enqueue("chat.drain_queue", inbox_id=str(inbox.pk))


def _week(days: Any) -> list[list[list[str]]]:
    """Seven days of pairs, in order and apart from each other."""
    if not isinstance(days, list) or len(days) != 7:
        raise Invalid(_("A week has seven days, Monday first."), field="week")
    return [_day(number, day) for number, day in enumerate(days)]


def _day(number: int, day: Any) -> list[list[str]]:
    def refuse(detail: Any) -> Invalid:
        return Invalid(errors=[FieldError(f"week.{number}", "invalid", str(detail))])

    if not isinstance(day, list) or len(day) > MOST_SPANS:
        raise refuse(_("A day has up to %(limit)s periods.") % {"limit": MOST_SPANS})
    try:
        pairs = sorted((opening.minute_of(begin), opening.minute_of(end), begin, end) for begin, end in day)
    except (ValueError, TypeError, AttributeError) as error:
        raise refuse(_("Write times such as 09:00.")) from error
    last = 0
    for begin, end, _begin, _end in pairs:
        if begin >= end:
            raise refuse(_("It must close after it opens."))
        if begin < last:
            raise refuse(_("Two periods of the day overlap."))
        last = end
    return [[begin, end] for _, _, begin, end in pairs]


def _zone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise Invalid(_("This is not a time zone."), field="timezone") from error
    return name


def reply_while_closed(*, conversation_id: UUID, now: datetime) -> bool:
    """Tell who writes outside the hours that somebody answers later: once a closed period, and never over the bot.

    Not to somebody who has been answered meanwhile: an agent is there after all.
    """
    row = Conversation.objects.select_related("inbox__hours").filter(pk=conversation_id, status=Status.OPEN).first()
    kept = getattr(row.inbox, "hours", None) if row is not None else None
    if row is None or row.waiting_since is None or kept is None or not kept.active or not kept.away_reply:
        return False
    calendar = opening.of(row.inbox)
    if calendar.is_open(now):
        return False
    opens = calendar.next_opening(now)
    period = uuid5(row.pk, f"away:{opens.isoformat() if opens else 'ever'}")
    sent = messages.send_from_bot(
        conversation_id=row.pk, bot=None, body=kept.away_reply, client_id=period, meta={"away": True}, now=now
    )
    return sent.created

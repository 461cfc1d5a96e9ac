"""When an inbox is open: its week, its holidays, and time counted only while it is open.

Days and times of day are the inbox's own; instants are compared and added up in UTC, so a change of the clocks neither
gives nor takes an hour.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from django.conf import settings
from django.db import connection
from django.utils.translation import get_language

from chat.enums import HolidayCalendar
from chat.models import BusinessHours, Holiday, Inbox

DAY_MIN = 24 * 60
# A week without a single hour, or years of holidays: nobody waits for that.
LOOK_AHEAD_DAYS = 400
MOST_DAYS_ADDED = 4000

Spans = tuple[tuple[int, int], ...]  # minutes of the day, the end exclusive


@dataclass(frozen=True, slots=True)
class Closing:
    """A day with other hours than usual; no spans means closed."""

    name: str
    spans: Spans = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hours of one inbox. `week` is `None` for an inbox that never closes."""

    zone: ZoneInfo
    week: tuple[Spans, ...] | None = None
    days: Mapping[date, Closing] = field(default_factory=dict)
    yearly: Mapping[tuple[int, int], Closing] = field(default_factory=dict)
    country: str = ""
    state: str = ""
    optional: bool = False

    def closing(self, day: date) -> Closing | None:
        """What is special about a day. The inbox's own entry counts before a public holiday."""
        own = self.days.get(day) or self.yearly.get((day.month, day.day))
        if own is not None:
            return own
        name = public_holidays(self.country, self.state, self.optional, day.year).get(day) if self.country else None
        return Closing(name) if name else None

    def spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Open periods of a day as instants."""
        if self.week is None:
            yield self._instant(day, 0), self._instant(day, DAY_MIN)
            return
        special = self.closing(day)
        for begin, end in special.spans if special is not None else self.week[day.weekday()]:
            yield self._instant(day, begin), self._instant(day, end)

    def is_open(self, at: datetime) -> bool:
        """Whether the inbox is staffed at an instant."""
        if self.week is None:
            return True
        return any(begin <= at < end for begin, end in self.spans(at.astimezone(self.zone).date()))

    def next_opening(self, after: datetime) -> datetime | None:
        """The next instant at which it opens; now when it is open; nothing when it never does."""
        if self.is_open(after):
            return after
        return next((begin for begin, _ in self._from(after, LOOK_AHEAD_DAYS) if begin > after), None)

    def closes(self, at: datetime) -> datetime | None:
        """When the period that is open now ends; nothing when closed, or when it never closes."""
        if self.week is None:
            return None
        until = None
        for begin, end in self._from(at, LOOK_AHEAD_DAYS):
            if until is None:
                if not begin <= at < end:
                    return None
                until = end
            elif begin == until:  # open over midnight
                until = end
            else:
                break
        return until

    def add(self, start: datetime, seconds: float) -> datetime | None:
        """The instant at which so many open seconds have passed; nothing when it opens too seldom for that."""
        if self.week is None:
            return start + timedelta(seconds=seconds)
        left = timedelta(seconds=seconds)
        for begin, end in self._from(start, MOST_DAYS_ADDED):
            begin = max(begin, start)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def between(self, start: datetime, end: datetime) -> float:
        """Open seconds between two instants; negative when they are the other way round."""
        if end < start:
            return -self.between(end, start)
        if self.week is None:
            return (end - start).total_seconds()
        days = (end.astimezone(self.zone).date() - start.astimezone(self.zone).date()).days + 1
        return sum(
            max(0.0, (min(until, end) - max(begin, start)).total_seconds()) for begin, until in self._from(start, days)
        )

    def _from(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Open periods that end after an instant."""
        first = at.astimezone(self.zone).date()
        for ahead in range(days):
            yield from ((begin, end) for begin, end in self.spans(first + timedelta(days=ahead)) if end > at)

    def _instant(self, day: date, minute: int) -> datetime:
        day += timedelta(days=minute // DAY_MIN)
        minute %= DAY_MIN
        return datetime.combine(day, time(minute // 60, minute % 60), self.zone).astimezone(UTC)


@functools.lru_cache(maxsize=256)
def _of_brazil(state: str, optional: bool, year: int, language: str) -> dict[date, str]:
    categories = ("public", "optional") if optional else ("public",)
    found = holidays.country_holidays("BR", subdiv=state or None, years=year, categories=categories, language=language)
    return {day: name for day, name in found.items() if day.year == year}


def public_holidays(country: str, state: str, optional: bool, year: int) -> dict[date, str]:
    """Public holidays of a year by day, named in the active language. `optional` adds days many take off."""
    if country != HolidayCalendar.BRAZIL:
        return {}
    language = "pt_BR" if (get_language() or settings.LANGUAGE_CODE).startswith("pt") else "en_US"
    return _of_brazil(state, optional, year, language)


def states() -> list[str]:
    """Brazilian states that have holidays of their own, by their two letters."""
    return [code for code in holidays.country_holidays("BR").subdivisions if len(code) == 2]


def zone_of(inbox: Inbox) -> ZoneInfo:
    """The inbox's own zone, else the company's."""
    return ZoneInfo(inbox.timezone or getattr(connection.tenant, "time_zone", "") or settings.TIME_ZONE)


def of(inbox: Inbox) -> Calendar:
    """The calendar of one inbox."""
    return for_inboxes([inbox])[inbox.pk]


def for_inboxes(inboxes: Iterable[Inbox]) -> dict[UUID, Calendar]:
    """Calendars of several inboxes, in two questions."""
    rows = list(inboxes)
    keys = [row.pk for row in rows]
    hours = {row.inbox_id: row for row in BusinessHours.objects.filter(inbox__in=keys, active=True)}
    special: dict[UUID, list[Holiday]] = {}
    if hours:
        for day in Holiday.objects.filter(inbox__in=hours).order_by("on", "pk"):
            special.setdefault(day.inbox_id, []).append(day)
    return {row.pk: _calendar(row, hours.get(row.pk), special.get(row.pk, [])) for row in rows}


def _calendar(inbox: Inbox, hours: BusinessHours | None, special: list[Holiday]) -> Calendar:
    zone = zone_of(inbox)
    if hours is None:
        return Calendar(zone)
    days = {day.on: _closing(day) for day in special if not day.yearly}
    yearly = {(day.on.month, day.on.day): _closing(day) for day in special if day.yearly}
    return Calendar(
        zone=zone,
        week=tuple(spans_of(day) for day in hours.week),
        days=days,
        yearly=yearly,
        country=hours.calendar,
        state=hours.state,
        optional=hours.optional_days,
    )


def _closing(day: Holiday) -> Closing:
    if day.opens_at is None or day.closes_at is None:
        return Closing(day.name)
    return Closing(day.name, ((_minute(day.opens_at), _minute(day.closes_at)),))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def spans_of(day: list[Any]) -> Spans:
    """The stored pairs of a day as minutes."""
    return tuple((minute_of(begin), minute_of(end)) for begin, end in day)


def minute_of(text: str) -> int:
    """`"09:30"` as minutes of the day; `"24:00"` is the end of it. Raises `ValueError`."""
    hours, _, minutes = text.partition(":")
    if len(hours) != 2 or len(minutes) != 2 or not (hours + minutes).isascii():
        raise ValueError(text)
    minute = int(hours) * 60 + int(minutes)
    if not 0 <= minute <= DAY_MIN or int(minutes) > 59:
        raise ValueError(text)
    return minute

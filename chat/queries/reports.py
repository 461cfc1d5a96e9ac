"""Reports: sums of `HourlyStat` over a period of the tenant's calendar. No report looks at a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils.translation import gettext as _

from billing import entitlements
from chat.enums import Channel, StatKind
from chat.errors import BadPeriod, ReportsNotIncluded
from chat.models import Inbox, Label, Team
from chat.models.stat import FIRST_REPLY_BINS_S
from ops.kernel.errors import PermissionRefused

LONGEST_DAYS = 400
# Up to so many days a report is drawn by the hour.
BY_HOUR_DAYS = 2
SUMS = (
    "started", "resolved", "resolution_s", "reopened", "messages_in", "messages_out", "messages_bot", "notes",
    "first_replies", "first_reply_s", "replies", "reply_s", "csat_answers", "csat_good", "csat_points", "sla_kept",
    "sla_broken",
)  # fmt: skip
COLUMNS = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in SUMS)

TOTALS = f"SELECT {COLUMNS} FROM chat_hourlystat WHERE kind = %s AND hour >= %s AND hour < %s"  # noqa: S608 — our own names
BY_KEY = f"""
SELECT key, {COLUMNS} FROM chat_hourlystat WHERE kind = %s AND hour >= %s AND hour < %s GROUP BY key
"""  # noqa: S608
BY_STEP = f"""
SELECT date_trunc(%s, hour AT TIME ZONE %s), {COLUMNS} FROM chat_hourlystat
WHERE kind = %s AND hour >= %s AND hour < %s GROUP BY 1
"""  # noqa: S608
BINS = """
SELECT b.place, sum(b.n)::bigint
FROM chat_hourlystat s CROSS JOIN LATERAL unnest(s.first_reply_bins) WITH ORDINALITY AS b (n, place)
WHERE s.kind = 'all' AND s.hour >= %s AND s.hour < %s GROUP BY b.place
"""
WEEK = """
SELECT extract(isodow FROM hour AT TIME ZONE %s)::int, extract(hour FROM hour AT TIME ZONE %s)::int,
       sum(messages_in)::bigint
FROM chat_hourlystat WHERE kind = 'all' AND hour >= %s AND hour < %s GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of one time zone, the last one included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def starts_at(self) -> datetime:
        """The first instant."""
        return datetime.combine(self.first, time.min, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last + timedelta(days=1), time.min, self.zone)

    @property
    def before(self) -> "Period":
        """As many days just before, to compare with."""
        return replace(self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over a period, and what follows from them. A mean or a share of nothing is `None`."""

    sums: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))

    def __getitem__(self, name: str) -> int:
        return self.sums[name]

    @property
    def first_reply_mean_s(self) -> float | None:
        """Seconds from the beginning of a conversation to the first reply of a person, on average."""
        return _mean(self["first_reply_s"], self["first_replies"])

    @property
    def reply_mean_s(self) -> float | None:
        """Seconds somebody waited for a reply, on average."""
        return _mean(self["reply_s"], self["replies"])

    @property
    def resolution_mean_s(self) -> float | None:
        """Seconds from the beginning of a conversation until it was resolved, on average."""
        return _mean(self["resolution_s"], self["resolved"])

    @property
    def csat_share(self) -> float | None:
        """The part of the answers, of a hundred, that were content."""
        return _mean(100 * self["csat_good"], self["csat_answers"])

    @property
    def sla_share(self) -> float | None:
        """The part of the promises, of a hundred, that were kept."""
        return _mean(100 * self["sla_kept"], self["sla_kept"] + self["sla_broken"])

    def as_dict(self) -> dict[str, Any]:
        """For the wire."""
        return {
            **{name: self[name] for name in SUMS if not name.endswith("_s") and name != "csat_points"},
            "first_reply_mean_s": _rounded(self.first_reply_mean_s),
            "reply_mean_s": _rounded(self.reply_mean_s),
            "resolution_mean_s": _rounded(self.resolution_mean_s),
            "csat_share": _rounded(self.csat_share),
            "sla_share": _rounded(self.sla_share),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one agent, team, inbox, label or channel. A name is empty when it is gone."""

    key: str
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Step:
    """The figures of one hour or day of a period."""

    at: datetime
    figures: Figures


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def period(*, first: date, last: date, zone: ZoneInfo) -> Period:
    """A period, checked. Raises `BadPeriod`."""
    if last < first:
        raise BadPeriod(field="to")
    if (last - first).days >= LONGEST_DAYS or first.year < 2000 or last.year > 9000:
        raise BadPeriod(field="from")
    return Period(first, last, zone)


def require(user: Any) -> None:
    """Reports are for those who may see them, where the plan has them. Raises `PermissionRefused`, `ReportsNotIncluded`."""
    if not user.has_perm("chat.view_report"):
        raise PermissionRefused()
    if not entitlements.flag("analytics"):
        raise ReportsNotIncluded()


def totals(over: Period) -> Figures:
    """Everything in a period."""
    with connection.cursor() as sql:
        sql.execute(TOTALS, [StatKind.ALL, over.starts_at, over.ends_at])
        return _figures(sql.fetchone())


def steps(over: Period) -> list[Step]:
    """Everything by the day, or by the hour in a short period; with the empty ones in between."""
    unit, length = ("hour", timedelta(hours=1)) if over.days <= BY_HOUR_DAYS else ("day", timedelta(days=1))
    with connection.cursor() as sql:
        sql.execute(BY_STEP, [unit, str(over.zone), StatKind.ALL, over.starts_at, over.ends_at])
        found = {at: _figures(sums) for at, *sums in sql.fetchall()}
    at, end, shown = datetime.combine(over.first, time.min), datetime.combine(over.last, time.max), []
    while at <= end:
        shown.append(Step(at.replace(tzinfo=over.zone), found.get(at, Figures())))
        at += length
    return shown


def by(kind: StatKind, over: Period) -> list[Row]:
    """Figures of each agent, team, inbox, label or channel that had any, the busiest first."""
    with connection.cursor() as sql:
        sql.execute(BY_KEY, [kind, over.starts_at, over.ends_at])
        found = {key: _figures(sums) for key, *sums in sql.fetchall()}
    names = _names(kind, list(found))
    rows = [Row(key, names.get(key, ""), figures) for key, figures in found.items()]
    return sorted(rows, key=lambda row: (-_work(row.figures), row.name.lower(), row.key))


def _work(figures: Figures) -> int:
    return figures["messages_out"] + figures["resolved"] + figures["started"]


def _names(kind: StatKind, keys: Sequence[str]) -> dict[str, str]:
    if kind == StatKind.CHANNEL:
        return {value: str(label) for value, label in Channel.choices}
    if kind == StatKind.AGENT:
        people = get_user_model()._default_manager.filter(pk__in=keys)
        return {str(one.pk): one.get_full_name() or one.get_username() for one in people}
    model: Any = {StatKind.TEAM: Team, StatKind.INBOX: Inbox, StatKind.LABEL: Label}[kind]
    rows: list[tuple[UUID, str]] = list(model.objects.filter(pk__in=keys).values_list("pk", "name"))
    return {str(key): name for key, name in rows}


def first_reply_spread(over: Period) -> list[tuple[int | None, int]]:
    """How many first replies came within so many seconds: pairs of the bin's end (`None`: longer) and the count."""
    with connection.cursor() as sql:
        sql.execute(BINS, [over.starts_at, over.ends_at])
        found = dict(sql.fetchall())
    ends: list[int | None] = [*FIRST_REPLY_BINS_S, None]
    return [(end, int(found.get(place, 0))) for place, end in enumerate(ends, start=1)]


def median_of(spread: Sequence[tuple[int | None, int]]) -> float | None:
    """The median in seconds, read from the bins: exact to the bin, in between by straight line."""
    total = sum(count for _end, count in spread)
    if not total:
        return None
    seen, begin = 0, 0
    for end, count in spread:
        if seen + count >= total / 2 and count:
            return float(begin) if end is None else begin + (end - begin) * (total / 2 - seen) / count
        seen += count
        begin = end or begin
    return None


def week(over: Period) -> list[list[int]]:
    """Visitors' messages by weekday (Monday first) and hour of the day."""
    zone = str(over.zone)
    with connection.cursor() as sql:
        sql.execute(WEEK, [zone, zone, over.starts_at, over.ends_at])
        found = {(day, hour): int(count) for day, hour, count in sql.fetchall()}
    return [[found.get((day, hour), 0) for hour in range(24)] for day in range(1, 8)]


def _figures(sums: Sequence[Any]) -> Figures:
    return Figures(dict(zip(SUMS, map(int, sums), strict=True)))


def headings() -> dict[str, str]:
    """What the columns of a report are called, in the order they are shown."""
    return {
        "started": _("Conversations started"),
        "resolved": _("Conversations resolved"),
        "reopened": _("Opened again"),
        "messages_in": _("Messages of visitors"),
        "messages_out": _("Replies"),
        "messages_bot": _("Messages of bots"),
        "notes": _("Private notes"),
        "first_replies": _("First replies"),
        "first_reply_mean_s": _("Seconds to the first reply"),
        "replies": _("Waiting people answered"),
        "reply_mean_s": _("Seconds people waited"),
        "resolution_mean_s": _("Seconds to resolve"),
        "csat_answers": _("Survey answers"),
        "csat_good": _("Content"),
        "csat_share": _("Content (%)"),
        "sla_kept": _("Promises kept"),
        "sla_broken": _("Promises broken"),
        "sla_share": _("Promises kept (%)"),
    }

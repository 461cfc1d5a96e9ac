"""Two months of figures up to last midnight, so that reports of the demonstration have something to show.

Made by chance with a fixed seed: quiet nights and Sundays, a lunch-time and an evening peak, two agents, one of them
quicker. Only today's hours are counted from the conversations.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from chat.enums import StatKind
from chat.models import HourlyStat, Inbox
from chat.models.stat import FIRST_REPLY_BINS_S
from chat.services import stats

DAYS = 60
# How busy the counter is at each hour of the day, and on each day from Monday to Sunday.
HOURS = (0, 0, 0, 0, 0, 0, 0.2, 0.8, 1.4, 1.8, 2.0, 2.4, 2.2, 1.6, 1.5, 1.7, 2.0, 2.3, 1.9, 1.1, 0.6, 0.3, 0.1, 0)
WEEK = (1.1, 1.0, 1.0, 1.05, 1.3, 0.9, 0.25)
# Share of the conversations, and mean seconds to the first reply.
AGENTS = (("agent", 0.6, 150), ("agent2", 0.4, 320))


def fill(*, inbox: Inbox, people: dict[str, Any], zone: Any, now: datetime) -> None:
    """Make the history, then count the hours of today."""
    begin = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    HourlyStat.objects.bulk_create(
        (row for hour in _hours(begin) for row in _rows(hour, inbox=inbox, people=people, zone=zone, now=now)),
        batch_size=2000,
    )
    stats.rebuild(start=begin, now=now)


def _hours(end: datetime) -> Iterator[datetime]:
    for back in range(DAYS * 24, 0, -1):
        yield end - timedelta(hours=back)


def _rows(hour: datetime, *, inbox: Inbox, people: dict[str, Any], zone: Any, now: datetime) -> Iterator[HourlyStat]:
    chance = random.Random(f"{inbox.channel}:{hour:%j%H}")  # noqa: S311 — a demonstration
    local = hour.astimezone(zone)
    busy = HOURS[local.hour] * WEEK[local.weekday()]
    parts = [
        (str(people[name].pk), _figures(chance, busy * share, pace))
        for name, share, pace in AGENTS
        if name in people and busy
    ]
    parts = [(key, figures) for key, figures in parts if figures["messages_in"]]
    if not parts:
        return
    whole = {
        name: [sum(place) for place in zip(*(figures[name] for _key, figures in parts), strict=True)]
        if name == "first_reply_bins"
        else sum(figures[name] for _key, figures in parts)
        for name in parts[0][1]
    }
    places = [(StatKind.ALL, ""), (StatKind.INBOX, str(inbox.pk)), (StatKind.CHANNEL, inbox.channel)]
    for kind, key in places:
        yield HourlyStat(hour=hour, kind=kind, key=key, counted_at=now, **whole)
    for key, figures in parts:
        yield HourlyStat(hour=hour, kind=StatKind.AGENT, key=key, counted_at=now, **figures)


def _figures(chance: random.Random, busy: float, pace: int) -> dict[str, Any]:
    started = int(chance.expovariate(1) * busy + chance.random() * 0.6)
    firsts = [int(chance.lognormvariate(0, 0.8) * pace) for _ in range(started)]
    resolved = sum(chance.random() < 0.93 for _ in range(started))
    rated = sum(chance.random() < 0.35 for _ in range(resolved))
    points = [chance.choices((100, 75, 50, 25, 0), (60, 25, 8, 4, 3))[0] for _ in range(rated)]
    replies = started + sum(chance.random() < 0.8 for _ in range(2 * started))
    return {
        "started": started,
        "resolved": resolved,
        "resolution_s": sum(int(chance.lognormvariate(0, 0.7) * 2400) for _ in range(resolved)),
        "reopened": sum(chance.random() < 0.05 for _ in range(resolved)),
        "messages_in": started + replies,
        "messages_out": replies + started,
        "notes": sum(chance.random() < 0.3 for _ in range(started)),
        "first_replies": started,
        "first_reply_s": sum(firsts),
        "first_reply_bins": [sum(_bin(one) == place for one in firsts) for place in range(len(FIRST_REPLY_BINS_S) + 1)],
        "replies": replies,
        "reply_s": sum(int(chance.lognormvariate(0, 0.8) * pace) for _ in range(replies)),
        "csat_answers": rated,
        "csat_good": sum(point >= stats.GOOD_FROM for point in points),
        "csat_points": sum(points),
        "sla_kept": sum(one <= 900 for one in firsts),
        "sla_broken": sum(one > 900 for one in firsts),
    }


def _bin(seconds: int) -> int:
    return sum(seconds >= end for end in FIRST_REPLY_BINS_S)

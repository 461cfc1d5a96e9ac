"""How the last days went, for the numbers of the home page."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from chat.enums import Status
from tenants.queries import hosts

DAYS = 14

# What began or was resolved lately was also active lately, and activity has an index.
LATELY = """
WITH lately AS MATERIALIZED (
    SELECT created_at, resolved_at, status, assignee_id FROM chat_conversation WHERE last_activity_at >= %(since)s
)
SELECT 'begun', (created_at AT TIME ZONE %(zone)s)::date, NULL::uuid, count(*)
FROM lately WHERE created_at >= %(since)s GROUP BY 2
UNION ALL
SELECT 'resolved', (resolved_at AT TIME ZONE %(zone)s)::date, assignee_id, count(*)
FROM lately WHERE status = %(resolved)s AND resolved_at >= %(since)s GROUP BY 2, 3
"""


@dataclass(frozen=True, slots=True)
class Trends:
    """One number a day, oldest first, today last."""

    begun: list[int]
    resolved: list[int]
    mine: list[int]
    open: list[int]


def of(*, user: Any, now: datetime, open_now: int) -> Trends:
    """The last fourteen days of the tenant's calendar; `now` is in its zone. Up to fifteen seconds old.

    `begun` counts conversations by the day they began, `resolved` those that were resolved and stayed so, `mine` the
    part of them that this person has. `open` goes back from `open_now`: what was resolved after a day was open at its
    end, what began after it was not there. Snoozing leaves no trace in it.
    """
    today = now.date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    key = f"chat.trends:{connection.schema_name}:{now.tzinfo}:{today}"
    found = hosts.remembered(key, lambda: _ask(since, str(now.tzinfo)))

    begun, resolved, mine = ([found.get((kind, on), 0) for on in days] for kind in ("begun", "resolved", user.pk))
    still_open, level = [open_now], open_now
    for day in reversed(range(1, DAYS)):
        level = max(0, level - begun[day] + resolved[day])
        still_open.append(level)
    return Trends(begun=begun, resolved=resolved, mine=mine, open=still_open[::-1])


def _ask(since: datetime, zone: str) -> Counter[tuple[str | UUID, date]]:
    """How many by what and day; resolved ones also by who has them."""
    found: Counter[tuple[str | UUID, date]] = Counter()
    with connection.cursor() as sql:
        sql.execute(LATELY, {"since": since, "zone": zone, "resolved": Status.RESOLVED.value})
        for kind, on, assignee, count in sql.fetchall():
            found[kind, on] += count
            if assignee is not None:
                found[assignee, on] += count
    return found

"""What the counter knows about whether contacts come back: features of every contact, as of any instant.

One statement for everybody, so that the same words serve the nightly estimate, learning from the past, and whoever
trains something better on them: `rows(as_of=…)` looks at nothing that happened after `as_of`, and
`rows(as_of=…, horizon=…)` adds what became of each. A contact counts while they wrote within a year before.

- `recency_days`: days since the last message of the contact
- `frequency`: conversations they wrote in during the last 180 days
- `gap_days`: days between the beginnings of their conversations: the mean with one more gap of `USUAL_GAP_DAYS` among
  them, so that two conversations in a day are not taken for a rhythm
- `overdue`: `recency_days` in units of that gap
- `trend`: conversations of the last 90 days against the 90 before, from -1 (stopped) to 1 (began)
- `csat`: satisfaction from 0 to 1 by the last answer within a year; unknown without one
- `unanswered`: 1 when the last conversation is older than a day and got no reply of a person, nor an answer of the bot that helped
- `late_hours`: hours to the first reply of a person in the last 180 days, on average; unknown without one
- `breaches`: promises of a service level that were broken in the last 180 days
- `tenure_days`: days since their first message
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from chat.enums import ChurnBand
from chat.models import ChurnModel, ChurnScore

HORIZON = timedelta(days=90)
USUAL_GAP_DAYS = 45
BATCH = 2000

FEATURES = """
talks AS (
    SELECT c.id, c.contact_id, s.began, s.last_at,
           CASE WHEN c.first_reply_at < %(as_of)s THEN c.first_reply_at END AS replied_at,
           EXISTS (SELECT FROM chat_botsession b WHERE b.conversation_id = c.id AND b.state = 'done') AS by_bot,
           extract(epoch FROM s.began - lag(s.began) OVER (PARTITION BY c.contact_id ORDER BY s.began, c.id)) / 86400 AS gap
      FROM (SELECT m.conversation_id, min(m.created_at) AS began, max(m.created_at) AS last_at
              FROM chat_message m WHERE m.direction = 'in' AND m.created_at < %(as_of)s
             GROUP BY m.conversation_id) s
      JOIN chat_conversation c ON c.id = s.conversation_id
     WHERE c.spam_at IS NULL
), people AS (
    SELECT t.contact_id,
           extract(epoch FROM %(as_of)s - max(t.last_at)) / 86400 AS recency_days,
           extract(epoch FROM %(as_of)s - min(t.began)) / 86400 AS tenure_days,
           count(*) FILTER (WHERE t.began >= %(half_year)s) AS frequency,
           (%(usual_gap)s + coalesce(sum(t.gap), 0)) / (1 + count(t.gap)) AS gap_days,
           count(*) FILTER (WHERE t.began >= %(quarter)s) AS lately,
           count(*) FILTER (WHERE t.began >= %(half_year)s AND t.began < %(quarter)s) AS before,
           (array_agg((t.replied_at IS NULL AND NOT t.by_bot AND t.began < %(day)s)::int ORDER BY t.began DESC, t.id))[1]
               AS unanswered,
           avg(extract(epoch FROM t.replied_at - t.began) / 3600) FILTER (WHERE t.began >= %(half_year)s
               AND t.replied_at >= t.began) AS late_hours
      FROM talks t GROUP BY t.contact_id
    HAVING max(t.last_at) >= %(year)s
), rated AS (
    SELECT r.contact_id, (array_agg(CASE r.scale WHEN 'numbers' THEN r.rating / 10.0 WHEN 'thumbs' THEN least(r.rating, 1)
                          ELSE greatest(r.rating - 1, 0) / 4.0 END ORDER BY r.answered_at DESC, r.id))[1] AS csat
      FROM chat_csatresponse r
     WHERE r.answered_at >= %(year)s AND r.answered_at < %(as_of)s AND r.rating IS NOT NULL GROUP BY r.contact_id
), broken AS (
    SELECT c.contact_id, count(*) AS breaches
      FROM chat_slaevent s JOIN chat_conversation c ON c.id = s.conversation_id
     WHERE s.breached_at >= %(half_year)s AND s.breached_at < %(as_of)s AND NOT s.cancelled GROUP BY c.contact_id
), features AS (
    SELECT p.contact_id, p.recency_days::float8, p.frequency::int, p.gap_days::float8,
           (p.recency_days / greatest(p.gap_days, 1))::float8 AS overdue,
           (CASE WHEN p.lately + p.before = 0 THEN 0
                 ELSE (p.lately - p.before)::numeric / (p.lately + p.before) END)::float8 AS trend,
           r.csat::float8, p.unanswered::float8, p.late_hours::float8, coalesce(b.breaches, 0)::int AS breaches,
           p.tenure_days::float8
      FROM people p
      JOIN chat_contact k ON k.id = p.contact_id AND k.merged_into_id IS NULL AND NOT k.blocked
      LEFT JOIN rated r ON r.contact_id = p.contact_id
      LEFT JOIN broken b ON b.contact_id = p.contact_id
)
"""
COLUMNS = (
    "recency_days", "frequency", "gap_days", "overdue", "trend", "csat", "unanswered", "late_hours", "breaches",
    "tenure_days",
)  # fmt: skip
READ = f"WITH {FEATURES} SELECT f.contact_id, {', '.join('f.' + name for name in COLUMNS)}"
LOST = """,
       NOT EXISTS (SELECT FROM chat_message m JOIN chat_conversation c ON c.id = m.conversation_id
                    WHERE c.contact_id = f.contact_id AND m.direction = 'in'
                      AND m.created_at >= %(as_of)s AND m.created_at < %(until)s)
"""
ORDERED = " FROM features f ORDER BY md5(f.contact_id::text) LIMIT %(limit)s"

# What goes into the sum: each input as SQL over `features`. Unknown values stand where they say nothing.
INPUTS: dict[str, str] = {
    "recency": "ln(1 + greatest(f.recency_days, 0))",
    "frequency": "ln(1 + f.frequency)",
    "overdue": "ln(1 + least(greatest(f.overdue, 0), 20))",
    "rhythm": "ln(1 + f.gap_days)",
    "trend": "f.trend",
    "discontent": "0.75 - coalesce(f.csat, 0.75)",
    "unanswered": "f.unanswered",
    "late": "ln(1 + least(greatest(coalesce(f.late_hours, 0), 0), 168))",
    "breaches": "ln(1 + f.breaches)",
    "tenure": "ln(1 + greatest(f.tenure_days, 0))",
}
STORE = f"""
WITH {FEATURES}, inputs AS (
    SELECT f.*, {", ".join(f"({words})::float8 AS x_{name}" for name, words in INPUTS.items())} FROM features f
), summed AS (
    SELECT i.*, %(intercept)s::float8 + {" + ".join(f"%(w_{name})s::float8 * x_{name}" for name in INPUTS)} AS z,
           jsonb_build_object({
    ", ".join(
        f"'{name}', round((%(w_{name})s::float8 * (x_{name} - avg(x_{name}) OVER ()))::numeric, 3)" for name in INPUTS
    )
}) AS reasons
      FROM inputs i
), estimated AS (
    SELECT s.*, 1 / (1 + exp(-least(greatest(s.z, -30), 30))) AS probability FROM summed s
)
INSERT INTO chat_churnscore (contact_id, probability, band, {", ".join(COLUMNS)}, reasons, computed_at)
SELECT contact_id, probability, CASE WHEN probability >= %(high)s THEN 'high' WHEN probability >= %(medium)s THEN 'medium'
       ELSE 'low' END, {", ".join(COLUMNS)}, reasons, %(as_of)s
  FROM estimated
    ON CONFLICT (contact_id) DO UPDATE SET probability = excluded.probability, band = excluded.band,
       {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}, reasons = excluded.reasons,
       computed_at = excluded.computed_at
"""  # noqa: S608 — our own names and expressions; every value is a parameter


@dataclass(frozen=True, slots=True)
class Row:
    """The features of one contact; `lost` says whether they stayed away, where that was asked and is known."""

    contact_id: UUID
    recency_days: float
    frequency: int
    gap_days: float
    overdue: float
    trend: float
    csat: float | None
    unanswered: float
    late_hours: float | None
    breaches: int
    tenure_days: float
    lost: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """By name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def rows(*, as_of: datetime, horizon: timedelta | None = None, limit: int | None = None) -> Iterator[Row]:
    """The features of every contact as of an instant, in an order that has nothing to do with them.

    With a `horizon` each says whether the contact wrote nothing from `as_of` until then.
    """
    values = {**_instants(as_of), "limit": limit}
    statement = READ
    if horizon is not None:
        statement += LOST
        values["until"] = as_of + horizon
    with connection.cursor() as sql:
        sql.execute(statement + ORDERED, values)
        while found := sql.fetchmany(BATCH):
            for row in found:
                yield Row(*row)


def store(*, weights: Mapping[str, float], intercept: float, medium: float, high: float, now: datetime) -> int:
    """Estimate every contact and keep it, in one statement; says how many. Those it no longer knows lose theirs."""
    values = {**_instants(now), "intercept": intercept, "medium": medium, "high": high}
    values |= {f"w_{name}": weights[name] for name in INPUTS}
    with connection.cursor() as sql:
        sql.execute(STORE, values)
        count = int(sql.rowcount)
        sql.execute("DELETE FROM chat_churnscore WHERE computed_at < %s", [now])
    return count


def _instants(as_of: datetime) -> dict[str, Any]:
    return {
        "as_of": as_of,
        "day": as_of - timedelta(days=1),
        "quarter": as_of - timedelta(days=90),
        "half_year": as_of - timedelta(days=180),
        "year": as_of - timedelta(days=365),
        "usual_gap": USUAL_GAP_DAYS,
    }


# --- What is shown -------------------------------------------------------------------------------------


def scores(band: str = "") -> QuerySet[ChurnScore]:
    """Estimates with their contacts, the riskiest first."""
    found = ChurnScore.objects.select_related("contact")
    if band:
        found = found.filter(band=band)
    return found.order_by("-probability", "contact_id")


def newest_model() -> ChurnModel | None:
    """The weights in use."""
    return ChurnModel.objects.order_by("-made_at", "-pk").first()


def spread() -> list[int]:
    """How many contacts stand in each tenth of the probability."""
    with connection.cursor() as sql:
        sql.execute("SELECT least(floor(probability * 10), 9)::int, count(*) FROM chat_churnscore GROUP BY 1")
        found = {int(place): int(count) for place, count in sql.fetchall()}
    return [found.get(place, 0) for place in range(10)]


@dataclass(frozen=True, slots=True)
class BandFigures:
    """What the contacts of one band have in common, on average."""

    band: ChurnBand
    contacts: int
    recency_days: float | None
    frequency: float | None
    csat: float | None
    unanswered: float | None


def by_band() -> list[BandFigures]:
    """Every band, the riskiest first, also one that holds nobody."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT band, count(*), avg(recency_days), avg(frequency)::float8, avg(csat), avg(unanswered)"
            " FROM chat_churnscore GROUP BY band"
        )
        found: dict[str, Sequence[Any]] = {band: values for band, *values in sql.fetchall()}
    bands = (ChurnBand.HIGH, ChurnBand.MEDIUM, ChurnBand.LOW)
    return [BandFigures(band, *(found.get(band) or (0, None, None, None, None))) for band in bands]

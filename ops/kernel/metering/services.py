"""Count what is used, exactly once per fact: the fact and the month's sum are one SQL statement."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict
from ops.kernel.ids import uuid7
from ops.kernel.metering.models import UnitPrice, UsageCounter, UsageRecord
from ops.kernel.money import Micros, Money

# Months are counted where the customers and their invoices are.
CALENDAR = ZoneInfo("America/Sao_Paulo")

Quantity = int | Decimal


class FactReused(Conflict):
    """An event id was recorded before with another meter or quantity: one of the two would be lost."""

    code = "usage_fact_reused"
    message = _("The usage %(event_id)s was already recorded with other values.")


@dataclass(frozen=True, slots=True)
class Usage:
    """One fact to be counted. `event_id` names the fact, never the attempt: `message:<id>`."""

    meter: str
    event_id: str
    quantity: Quantity = 1
    cost: Money | Micros | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A month's sum before and after something was counted."""

    schema: str
    meter: str
    period: date
    before: Decimal
    after: Decimal

    def crossed(self, limit: Quantity, steps: Sequence[int] = (50, 75, 90, 100)) -> list[int]:
        """Which percentages of `limit` this change passed or reached."""
        if limit <= 0:
            return []
        return [step for step in steps if self.before < Decimal(limit) * step / 100 <= self.after]


Watcher = Callable[[Change], None]
_watchers: dict[str, Watcher] = {}


def watch(name: str, watcher: Watcher) -> None:
    """Be told of every change of a sum, in the transaction that makes it: where thresholds are compared.

    A watcher is quick and raises only when the usage itself must be refused.
    """
    _watchers[name] = watcher


def unwatch(name: str) -> None:
    """Stop being told; only tests need to."""
    _watchers.pop(name, None)


RECORD = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(event_ids)s::text[], %(meters)s::text[], %(quantities)s::numeric[],
        %(costs)s::bigint[], %(currencies)s::text[], %(periods)s::date[], %(ats)s::timestamptz[]
    ) AS t(id, event_id, meter, quantity, cost_micros, currency, period, at)
), fresh AS (
    INSERT INTO public.metering_usagerecord (id, schema, event_id, meter, quantity, cost_micros, currency, period, at)
    SELECT id, %(schema)s, event_id, meter, quantity, cost_micros, currency, period, at FROM given
    ORDER BY event_id
    ON CONFLICT (schema, event_id) DO NOTHING
    RETURNING event_id, meter, quantity, cost_micros, currency, period
), summed AS (
    INSERT INTO public.metering_usagecounter AS counter (schema, meter, period, currency, quantity, cost_micros, records)
    SELECT %(schema)s, meter, period, currency, sum(quantity), sum(cost_micros), count(*)
    FROM fresh GROUP BY meter, period, currency ORDER BY meter, period, currency
    ON CONFLICT (schema, meter, period, currency) DO UPDATE SET
        quantity = counter.quantity + excluded.quantity,
        cost_micros = counter.cost_micros + excluded.cost_micros,
        records = counter.records + excluded.records
    RETURNING meter, period, currency, quantity
)
SELECT
    (SELECT coalesce(array_agg(event_id), '{}') FROM fresh),
    (SELECT coalesce(json_agg(json_build_array(
        summed.meter, summed.period, summed.quantity::text,
        (SELECT sum(fresh.quantity)::text FROM fresh
         WHERE (fresh.meter, fresh.period, fresh.currency) = (summed.meter, summed.period, summed.currency))
    )), '[]') FROM summed)
"""


def record(
    meter: str,
    *,
    event_id: str,
    quantity: Quantity = 1,
    cost: Money | Micros | None = None,
    now: datetime | None = None,
) -> bool:
    """Count one fact for the current schema; `False` when it was counted before.

    The month's counter stays locked until the caller's transaction ends: record last, or from a receiver of the
    outbox when a meter is busy. Raises `FactReused` when the id was used with other values.
    """
    fresh = record_batch([Usage(meter=meter, event_id=event_id, quantity=quantity, cost=cost, at=now)])
    return bool(fresh)


def record_batch(usages: Iterable[Usage], *, now: datetime | None = None) -> set[str]:
    """Count many facts in one statement; gives the ids that were new. Raises `FactReused`."""
    by_id: dict[str, Usage] = {}
    for usage in usages:
        known = by_id.setdefault(usage.event_id, usage)
        if (known.meter, known.quantity) != (usage.meter, usage.quantity):
            raise FactReused(event_id=usage.event_id)
    if not by_id:
        return set()
    now = now or timezone.now()
    rows = list(by_id.values())
    costs = [_micros(row.cost) for row in rows]
    schema = connection.schema_name
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                RECORD,
                {
                    "schema": schema,
                    "ids": [uuid7() for _row in rows],
                    "event_ids": [row.event_id for row in rows],
                    "meters": [row.meter for row in rows],
                    "quantities": [Decimal(row.quantity) for row in rows],
                    "costs": [cost.micros if cost else 0 for cost in costs],
                    "currencies": [cost.currency if cost else "" for cost in costs],
                    "periods": [month_of(row.at or now) for row in rows],
                    "ats": [row.at or now for row in rows],
                },
            )
            fresh_ids, sums = cursor.fetchone()
        fresh = set(fresh_ids)
        _refuse_reuse(schema, [row for row in rows if row.event_id not in fresh])
        for meter, period, after, added in sums:
            change = Change(
                schema=schema,
                meter=meter,
                period=date.fromisoformat(period),
                before=Decimal(after) - Decimal(added),
                after=Decimal(after),
            )
            for watcher in list(_watchers.values()):
                watcher(change)
    return fresh


def _micros(cost: Money | Micros | None) -> Micros | None:
    return Micros.from_money(cost) if isinstance(cost, Money) else cost


def _refuse_reuse(schema: str, repeated: list[Usage]) -> None:
    if not repeated:
        return
    kept = {
        row.event_id: (row.meter, row.quantity)
        for row in UsageRecord.objects.for_schema(schema).filter(event_id__in=[usage.event_id for usage in repeated])
    }
    for usage in repeated:
        if kept.get(usage.event_id) != (usage.meter, Decimal(usage.quantity)):
            raise FactReused(event_id=usage.event_id)


def month_of(at: datetime) -> date:
    """First day of the month an instant belongs to, in São Paulo."""
    return timezone.localtime(at, CALENDAR).date().replace(day=1)


def total(meter: str, *, period: date | datetime | None = None, schema: str | None = None) -> Decimal:
    """Sum of a meter in the month that contains `period` (this month when not given)."""
    counters = UsageCounter.objects.for_schema(schema or connection.schema_name).filter(
        meter=meter, period=_month(period)
    )
    return counters.aggregate(sum=Sum("quantity"))["sum"] or Decimal(0)


def totals(*, period: date | datetime | None = None, schema: str | None = None) -> dict[str, Decimal]:
    """Sum of every meter that was used in the month."""
    counters = UsageCounter.objects.for_schema(schema or connection.schema_name).filter(period=_month(period))
    return dict(counters.values_list("meter").annotate(sum=Sum("quantity")).order_by("meter"))


def cost(
    meter: str | None = None, *, period: date | datetime | None = None, schema: str | None = None
) -> dict[str, Micros]:
    """What a meter (or everything) cost us in the month, by currency."""
    counters = UsageCounter.objects.for_schema(schema or connection.schema_name).filter(period=_month(period))
    if meter is not None:
        counters = counters.filter(meter=meter)
    sums = counters.exclude(currency="").values_list("currency").annotate(sum=Sum("cost_micros")).order_by("currency")
    return {currency: Micros(int(micros), currency) for currency, micros in sums}


def _month(period: date | datetime | None) -> date:
    if period is None:
        return month_of(timezone.now())
    return month_of(period) if isinstance(period, datetime) else period.replace(day=1)


@transaction.atomic
def set_price(*, meter: str, price: Micros, effective_from: datetime, source: str = "") -> UnitPrice:
    """A new price from an instant on; the open one ends there. Raises `Conflict` for a start before the open one's."""
    open_prices = UnitPrice.objects.filter(meter=meter, currency=price.currency, effective_to=None)
    current = open_prices.order_by("pk").select_for_update().first()
    if current is not None:
        if current.effective_from >= effective_from:
            raise Conflict(_("The price in force starts later. Prices are added in order of time."))
        current.effective_to = effective_from
        current.save(update_fields=["effective_to"])
    return UnitPrice.objects.create(
        meter=meter, currency=price.currency, micros=price.micros, effective_from=effective_from, source=source
    )


def price_at(*, meter: str, currency: str, at: datetime) -> Micros | None:
    """Price of one unit at an instant, or nothing when it has none."""
    found = UnitPrice.objects.in_force(meter=meter, currency=currency, at=at).order_by("-effective_from").first()
    return Micros(found.micros, found.currency) if found else None

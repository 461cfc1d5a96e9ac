"""How much of their plans tenants use: the bars of the billing page and of the console's lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import formats, timezone
from django.utils.translation import gettext

from billing import entitlements
from billing.enums import Unit
from billing.models import GaugeReading, Override, Subscription
from ops.kernel.metering import services as metering
from ops.kernel.metering.models import UsageCounter
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what, how much, of how much (`None`: no limit), in which unit, and when it starts again."""

    key: str
    label: str
    unit: Unit
    used: int
    limit: int | None
    reset_at: datetime | None = None

    @property
    def percent(self) -> int:
        """Used, in whole percent of the limit, for the width of the bar."""
        if self.limit is None:
            return 0
        return 100 if self.limit == 0 else min(self.used * 100 // self.limit, 100)

    @property
    def words(self) -> str:
        """`3 of 10`, with units where numbers need them."""
        used = amount(self.used, self.unit)
        if self.limit is None:
            return gettext("%(used)s, unlimited") % {"used": used}
        return gettext("%(used)s of %(limit)s") % {"used": used, "limit": amount(self.limit, self.unit)}

    @property
    def note(self) -> str:
        """When a monthly number starts again."""
        if self.reset_at is None:
            return ""
        day = formats.date_format(timezone.localtime(self.reset_at, self.reset_at.tzinfo), "DATE_FORMAT")
        return gettext("Starts again on %(day)s.") % {"day": day}


def amount(number: int, unit: Unit) -> str:
    """A number as people write it: thousands grouped, bytes in the unit that fits."""
    if unit == Unit.BYTES:
        # Plans are sold in whole units: "25 GB" reads better than "25.0 GB".
        return filesizeformat(number).replace(f"{formats.get_format('DECIMAL_SEPARATOR')}0\xa0", "\xa0")
    return formats.number_format(number, decimal_pos=0, force_grouping=True)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One tenant of a list: its plan and its bars."""

    plan: str
    plan_name: str
    bars: Sequence[Bar]

    @property
    def fullest(self) -> int:
        """How near it is to one of its limits, in whole percent; past it after a downgrade."""
        return max((bar.used * 100 // bar.limit if bar.limit else bar.percent for bar in self.bars), default=0)


def of_current_tenant(*, now: datetime) -> list[Bar]:
    """The bars of the tenant whose schema we are in, counted now. One query a gauge and one for all meters."""
    agreed = entitlements.terms()
    sums = metering.totals(period=now)
    bars = []
    for key, entitlement in entitlements.KNOWN.items():
        # What the plan does not speak of has no limit, and a bar without end says nothing.
        if entitlement.shown and key in agreed.limits:
            used = int(sums.get(entitlement.meter, 0)) if entitlement.meter else entitlements.used(key, now=now)
            bars.append(_bar(key, used=used, limit=agreed.limits[key], now=now))
    return bars


def of_tenants(tenants: Sequence[Tenant], *, now: datetime) -> dict[UUID, Portfolio]:
    """The bars of many tenants in four queries, whatever their number; gauges are as of their last reading.

    `tenants` is a list somebody has scoped already: this function trusts it. Tenants without an open subscription
    are missing from the answer.
    """
    subscriptions: Mapping[UUID, Subscription] = {
        row.tenant_id: row for row in Subscription.objects.filter(tenant__in=tenants).open().select_related("plan")
    }
    readings = {
        (row.tenant_id, row.key): row.used for row in GaugeReading.objects.filter(tenant__in=tenants).order_by("pk")
    }
    sums = {
        (schema, meter): int(total)
        for schema, meter, total in UsageCounter.objects.filter(
            schema__in=[tenant.schema_name for tenant in tenants], period=metering.month_of(now)
        )
        .values_list("schema", "meter")
        .annotate(total=Sum("quantity"))
        .order_by("schema", "meter")
    }
    decided = list(Override.objects.in_force(now).about_any(tenants))
    found: dict[UUID, Portfolio] = {}
    for tenant in tenants:
        subscription = subscriptions.get(tenant.pk)
        if subscription is None:
            continue
        holds = entitlements.settled(
            plan=subscription.plan,
            agreed=subscription.limits,
            overrides=[one for one in decided if one.bears_on(tenant)],
        ).limits
        bars = []
        for key, entitlement in entitlements.KNOWN.items():
            if not entitlement.shown or not entitlements.speaks_of(holds[key]):
                continue
            used = (
                sums.get((tenant.schema_name, entitlement.meter), 0)
                if entitlement.meter
                else readings.get((tenant.pk, key), 0)
            )
            bars.append(_bar(key, used=used, limit=holds[key].value, now=now))
        found[tenant.pk] = Portfolio(plan=subscription.plan.slug, plan_name=subscription.plan.name, bars=bars)
    return found


def _bar(key: str, *, used: int, limit: int | None, now: datetime) -> Bar:
    entitlement = entitlements.KNOWN[key]
    return Bar(
        key=key,
        label=str(entitlement.label),
        unit=entitlement.unit,
        used=used,
        limit=limit,
        reset_at=entitlements.next_month(now) if entitlement.meter else None,
    )

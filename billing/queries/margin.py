"""What a reseller earns: retail minus wholesale of the plans in force, customer by customer and month by month.

There are no invoices yet, so this is what the subscriptions are worth and not what was paid: a month counts with the
plan, the retail price and the wholesale price in force at its last moment (this month: now), whole, for customers whose
subscription is paid for. Discounts, parts of months and what nobody paid are not in it, and the page says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from billing.enums import SubscriptionStatus
from billing.models import Subscription
from billing.queries import prices
from ops.kernel.metering import services as metering
from ops.kernel.money import Money
from tenants.enums import TenantStatus
from tenants.models import Tenant
from tenants.queries.portfolio import Scope

PAYING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
ZERO = Money(0, "BRL")


@dataclass(frozen=True, slots=True)
class Line:
    """One customer now. A plan without a price counts nothing and says so."""

    tenant: Tenant
    plan_name: str
    retail: Money | None
    wholesale: Money | None

    @property
    def margin(self) -> Money | None:
        """What stays."""
        return self.retail - self.wholesale if self.retail is not None and self.wholesale is not None else None

    @property
    def share(self) -> int | None:
        """In whole percent of retail."""
        if self.margin is None or not self.retail or not self.retail.cents:
            return None
        return self.margin.cents * 100 // self.retail.cents


@dataclass(slots=True)
class Month:
    """All customers in one month."""

    first: date
    customers: int = 0
    retail: Money = ZERO
    wholesale: Money = ZERO
    unpriced: int = 0

    @property
    def margin(self) -> Money:
        """What stays."""
        return self.retail - self.wholesale


@dataclass(frozen=True, slots=True)
class Report:
    """The page: customers now, the highest margin first, and the months, oldest first."""

    lines: Sequence[Line]
    months: Sequence[Month] = field(default_factory=list)

    @property
    def now(self) -> Month:
        """This month so far, in sum."""
        return self.months[-1]


def report(scope: Scope, *, now: datetime, months: int = 12) -> Report:
    """Two questions, whatever the number of customers."""
    moments = _moments(now, months)
    rows = list(
        Subscription.objects.for_tenants(scope.tenants())
        .filter(Q(ends_at=None) | Q(ends_at__gt=moments[0][1]), status__in=PAYING)
        .select_related("plan", "tenant", "tenant__reseller")
        .order_by("tenant__name", "starts_at", "pk")
    )
    board = prices.board(
        resellers=None if scope.reseller is None else [scope.reseller.pk], plans={row.plan_id for row in rows}
    )
    found = [Month(first) for first, _moment in moments]
    for month, (_first, moment) in zip(found, moments, strict=True):
        known: dict[tuple[UUID, UUID | None], tuple[Money | None, Money | None]] = {}
        for row in rows:
            if not _holds(row, moment):
                continue
            key = (row.plan_id, row.tenant.reseller_id)
            if key not in known:
                known[key] = (board.retail(row.plan_id, moment, key[1]), board.wholesale(row.plan_id, moment))
            _add(month, *known[key])
    lines = [
        Line(
            row.tenant,
            row.plan.name,
            board.retail(row.plan_id, now, row.tenant.reseller_id),
            board.wholesale(row.plan_id, now),
        )
        for row in rows
        if row.ends_at is None and row.tenant.status in (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)
    ]
    lines.sort(key=lambda line: (-(line.margin.cents if line.margin else -1), line.tenant.name, str(line.tenant.pk)))
    return Report(lines, found)


def _holds(row: Subscription, moment: datetime) -> bool:
    return row.starts_at <= moment and (row.ends_at is None or row.ends_at > moment)


def _add(month: Month, retail: Money | None, wholesale: Money | None) -> None:
    month.customers += 1
    if retail is None or wholesale is None:
        month.unpriced += 1
        return
    month.retail += retail
    month.wholesale += wholesale


def _moments(now: datetime, months: int) -> list[tuple[date, datetime]]:
    """The first day of each month and its last moment, oldest first; of this month the present one."""
    zone: ZoneInfo = metering.CALENDAR
    first = metering.month_of(now)
    found = [(first, now)]
    for _ in range(months - 1):
        end = datetime(first.year, first.month, 1, tzinfo=zone) - timedelta(microseconds=1)
        first = end.date().replace(day=1)
        found.append((first, end))
    return found[::-1]

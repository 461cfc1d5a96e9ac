"""What plans cost whom: in force, to come, and what was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from billing.enums import PriceKind
from billing.models import Plan, PlanPrice
from ops.kernel.money import Money
from tenants.models import Reseller, Tenant


@dataclass(frozen=True, slots=True)
class Board:
    """Every price a page needs, read once. `reseller` is missing for the platform's own customers."""

    prices: Sequence[PlanPrice]

    def at(self, kind: PriceKind, plan: UUID, now: datetime, reseller: UUID | None = None) -> PlanPrice | None:
        """The price of that kind in force at an instant."""
        found = None
        for price in self.prices:  # by beginning
            if price.kind == kind and price.plan_id == plan and price.reseller_id == reseller:
                if price.starts_at > now:
                    break
                found = price
        return found

    def wholesale(self, plan: UUID, now: datetime) -> Money | None:
        """What a reseller pays."""
        found = self.at(PriceKind.WHOLESALE, plan, now)
        return found.money if found else None

    def retail(self, plan: UUID, now: datetime, reseller: UUID | None) -> Money | None:
        """What a customer pays: the reseller's own price, else the list price; never below wholesale."""
        own = self.at(PriceKind.RETAIL, plan, now, reseller) if reseller else None
        listed = self.at(PriceKind.LIST, plan, now)
        price = own or listed
        if price is None:
            return None
        floor = self.wholesale(plan, now) if reseller else None
        return floor if floor is not None and floor.cents > price.amount_cents else price.money

    def is_lifted(self, plan: UUID, now: datetime, reseller: UUID | None) -> bool:
        """Whether wholesale has risen above what the reseller decided."""
        own = self.at(PriceKind.RETAIL, plan, now, reseller) if reseller else None
        floor = self.wholesale(plan, now)
        return own is not None and floor is not None and floor.cents > own.amount_cents

    def to_come(self, kind: PriceKind, plan: UUID, now: datetime, reseller: UUID | None = None) -> list[PlanPrice]:
        """Decided and not in force yet, the next one first."""
        return [
            price
            for price in self.prices
            if price.kind == kind and price.plan_id == plan and price.reseller_id == reseller and price.starts_at > now
        ]


def board(*, resellers: Iterable[UUID] | None = (), plans: Iterable[UUID] | None = None) -> Board:
    """The platform's prices, and the retail prices of these resellers (`None`: of all). One question."""
    rows = PlanPrice.objects.all()
    if resellers is not None:
        rows = rows.filter(Q(reseller=None) | Q(reseller__in=list(resellers)))
    if plans is not None:
        rows = rows.filter(plan__in=list(plans))
    return Board(list(rows.order_by("starts_at", "pk")))


def for_sale(*, reseller: Reseller | None, now: datetime) -> Mapping[UUID, Money]:
    """What a new customer of this reseller (of the platform without one) pays for each plan that has a price."""
    known = board(resellers=[reseller.pk] if reseller else [])
    found = {}
    for plan in {price.plan_id for price in known.prices}:
        price = known.retail(plan, now, reseller.pk if reseller else None)
        if price is not None:
            found[plan] = price
    return found


def of_tenant(tenant: Tenant, *, now: datetime) -> Mapping[UUID, Money]:
    """What the plans cost this customer: its reseller's prices instead of the platform's."""
    return for_sale(reseller=tenant.reseller, now=now)


def history(plan: Plan, kind: PriceKind, reseller: Reseller | None) -> list[PlanPrice]:
    """All decisions, the newest beginning on top."""
    return list(PlanPrice.objects.of(kind, reseller).filter(plan=plan).order_by("-starts_at", "-pk"))

"""Plans as people compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from billing import entitlements
from billing.enums import Unit
from billing.models import Plan, Subscription
from billing.queries import prices
from billing.queries.usage import amount
from ops.kernel.money import Money
from ops.kernel.registry import features
from tenants.models import Reseller, Tenant


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan: a limit with its number, or a feature that is in or out."""

    label: str
    unit: Unit
    limit: int | None
    is_in: bool = True
    is_feature: bool = False

    @property
    def words(self) -> str:
        """The number as people write it."""
        return gettext("unlimited") if self.limit is None else amount(self.limit, self.unit)


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan with its lines."""

    slug: str
    name: str
    lines: Sequence[Line]
    # A month, as the reader pays it; nothing where no price was decided ("ask us").
    price: Money | None = None


def open_subscription(tenant: Tenant) -> Subscription | None:
    """The subscription in force, with its plan."""
    return Subscription.objects.for_tenant(tenant).open().select_related("plan").first()


def offered(*, reseller: Reseller | None, now: datetime) -> list[Offer]:
    """The public plans, smallest first, with the prices of this reseller (of the platform without one)."""
    known = prices.for_sale(reseller=reseller, now=now)
    return [_offer(plan, known.get(plan.pk)) for plan in Plan.objects.offered()]


def _offer(plan: Plan, price: Money | None) -> Offer:
    limits = [
        Line(label=str(entitlement.label), unit=entitlement.unit, limit=plan.limits[key])
        for key, entitlement in entitlements.KNOWN.items()
        if key in plan.limits
    ]
    switches = [
        Line(label=str(feature.label), unit=Unit.COUNT, limit=None, is_in=plan.flags.get(name, False), is_feature=True)
        for name, feature in features.items()
        if name in plan.flags
    ]
    return Offer(slug=plan.slug, name=plan.name, lines=[*limits, *switches], price=price)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: the same thing in every plan."""

    label: str
    cells: Sequence[Line]


def comparison(offers: Sequence[Offer]) -> list[Row]:
    """The plans side by side. A plan that does not speak of a limit has none, of a feature has it not."""
    first: dict[str, Line] = {}
    for offer in offers:
        for line in offer.lines:
            first.setdefault(line.label, line)
    rows = []
    for label, sample in first.items():
        missing = Line(label=label, unit=sample.unit, limit=None, is_in=False, is_feature=sample.is_feature)
        cells = [next((line for line in offer.lines if line.label == label), missing) for offer in offers]
        rows.append(Row(label=label, cells=cells))
    return rows

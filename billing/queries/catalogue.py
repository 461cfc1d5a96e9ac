"""Plans as people compare them."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing import entitlements
from billing.enums import Unit
from billing.models import Plan, Subscription
from ops.kernel.registry import features
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan: a limit with its number, or a feature that is in or out."""

    label: str
    unit: Unit
    limit: int | None
    is_in: bool = True
    is_feature: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan with its lines."""

    slug: str
    name: str
    lines: Sequence[Line]


def open_subscription(tenant: Tenant) -> Subscription | None:
    """The subscription in force, with its plan."""
    return Subscription.objects.for_tenant(tenant).open().select_related("plan").first()


def offered() -> list[Offer]:
    """The public plans, smallest first."""
    return [_offer(plan) for plan in Plan.objects.offered()]


def _offer(plan: Plan) -> Offer:
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
    return Offer(slug=plan.slug, name=plan.name, lines=[*limits, *switches])

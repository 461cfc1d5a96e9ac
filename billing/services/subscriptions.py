"""Which plan a tenant has: beginning and changing it. Prices and periods of payment are not decided here."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from billing import entitlements
from billing.enums import SubscriptionStatus
from billing.errors import AlreadySubscribed, NotSubscribed, UnknownPlan
from billing.models import Plan, Subscription
from ops.kernel.audit import services as audit
from tenants.models import Tenant


def plan_of(slug: str) -> Plan:
    """The plan of that short name. Raises `UnknownPlan`."""
    plan = Plan.objects.filter(slug=slug).first()
    if plan is None:
        raise UnknownPlan(field="plan")
    return plan


@transaction.atomic
def start(
    *, tenant: Tenant, plan: str, now: datetime, by: Any = None, limits: dict[str, int | None] | None = None
) -> Subscription:
    """Give a tenant its plan. `limits` are what was agreed beyond the plan. Raises `AlreadySubscribed`, `UnknownPlan`."""
    found = plan_of(plan)
    subscription = Subscription(
        tenant=tenant, plan=found, status=SubscriptionStatus.ACTIVE, starts_at=now, limits=limits or {}
    )
    subscription.clean_fields()
    try:
        with transaction.atomic():
            subscription.save()
    except IntegrityError as error:
        raise AlreadySubscribed from error

    audit.record("billing.subscription_started", by=by, on=subscription, detail={"plan": found.slug}, now=now)
    entitlements.forget(tenant)
    return subscription


@transaction.atomic
def change_plan(*, tenant: Tenant, plan: str, now: datetime, by: Any = None) -> Subscription:
    """Put a tenant on another plan from `now` on. What it uses beyond the new limits stays; more of it is refused.

    The old subscription ends and a new one begins, so the history says which plan was in force when.
    Raises `NotSubscribed`, `UnknownPlan`. The same plan again changes nothing.
    """
    found = plan_of(plan)
    current = (
        Subscription.objects.for_tenant(tenant).open().select_for_update(of=("self",)).select_related("plan").first()
    )
    if current is None:
        raise NotSubscribed
    if current.plan_id == found.pk:
        return current

    current.ends_at = now
    current.save(update_fields=["ends_at", "updated_at"])
    changed = Subscription.objects.create(tenant=tenant, plan=found, status=current.status, starts_at=now)

    detail = {"from": current.plan.slug, "to": found.slug}
    audit.record("billing.plan_changed", by=by, on=changed, detail=detail, now=now)
    entitlements.forget(tenant)
    return changed

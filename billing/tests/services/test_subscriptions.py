"""Beginning and changing a plan."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from billing import errors
from billing.enums import SubscriptionStatus
from billing.models import Plan, Subscription
from billing.services import subscriptions
from ops.kernel.audit.models import AuditEntry

GB = 1024**3


def test_the_catalogue_is_what_was_promised(db):
    rows = [
        (
            plan.slug,
            plan.name,
            *(plan.limits[key] for key in ("chat.agents", "chat.conversations_month", "storage.bytes")),
        )
        for plan in Plan.objects.offered()
    ]

    assert rows == [
        ("starter", "Starter", 3, 1_000, 5 * GB),
        ("professional", "Professional", 10, 10_000, 25 * GB),
        ("business", "Business", 25, 50_000, 100 * GB),
        ("enterprise", "Enterprise", None, None, 500 * GB),
        ("white-label", "White-Label", None, None, 500 * GB),
    ]
    assert [plan.limits["api.requests_15min"] for plan in Plan.objects.offered()] == [100, 100, 100, 1000, 1000]


def test_a_tenant_has_one_plan_at_a_time(acme, noon):
    subscriptions.start(tenant=acme, plan="starter", now=noon)

    with pytest.raises(errors.AlreadySubscribed):
        subscriptions.start(tenant=acme, plan="business", now=noon)

    assert Subscription.objects.for_tenant(acme).open().get().plan.slug == "starter"
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(tenant=acme, plan=Plan.objects.get(slug="business"), starts_at=noon)


def test_changing_the_plan_ends_one_and_begins_another(acme, ana, noon):
    first = subscriptions.start(tenant=acme, plan="starter", now=noon)
    later = noon.replace(hour=15)

    second = subscriptions.change_plan(tenant=acme, plan="business", now=later, by=ana)

    first.refresh_from_db()
    assert (first.ends_at, second.starts_at, second.ends_at) == (later, later, None)
    assert second.status == SubscriptionStatus.ACTIVE
    entry = AuditEntry.objects.get(action="billing.plan_changed")
    assert (entry.detail, entry.actor_id) == ({"from": "starter", "to": "business"}, str(ana.pk))


def test_the_same_plan_again_changes_nothing(acme, noon):
    first = subscriptions.start(tenant=acme, plan="starter", now=noon)

    assert subscriptions.change_plan(tenant=acme, plan="starter", now=noon) == first

    assert Subscription.objects.for_tenant(acme).count() == 1


def test_what_does_not_exist_is_refused(acme, noon):
    with pytest.raises(errors.UnknownPlan):
        subscriptions.start(tenant=acme, plan="platinum", now=noon)
    with pytest.raises(errors.NotSubscribed):
        subscriptions.change_plan(tenant=acme, plan="starter", now=noon)
    assert not Subscription.objects.for_tenant(acme).exists()


@pytest.mark.parametrize(
    "limits", [{"chat.agents": -1}, {"chat.agents": "3"}, {"chat.agents": True}, {"chat.agents": 1.5}]
)
def test_own_limits_are_whole_numbers(acme, noon, limits):
    with pytest.raises(ValidationError):
        subscriptions.start(tenant=acme, plan="starter", now=noon, limits=limits)

    assert not Subscription.objects.for_tenant(acme).exists()

"""A new customer in one step."""

import pytest
from django_tenants.utils import tenant_context

from billing import errors
from billing.models import GaugeReading, Subscription
from billing.services import onboarding
from tenants.accounts.models import User
from tenants.accounts.services import links
from tenants.enums import TenantStatus
from tenants.errors import SlugTaken
from tenants.models import Tenant

CAFE = {"name": "Café Central", "slug": "cafe-central", "plan": "professional", "owner_email": "Olga@cafe.example"}


def test_signing_up_makes_tenant_plan_and_owner_and_writes_to_her(platform, noon, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        tenant = onboarding.sign_up(**CAFE, now=noon, wait=True)

    assert tenant.status == TenantStatus.ACTIVE
    assert Subscription.objects.for_tenant(tenant).open().get().plan.slug == "professional"
    assert GaugeReading.objects.for_tenant(tenant).get(key="chat.agents").used == 0
    with tenant_context(tenant):
        owner = User.objects.get()
        assert (owner.email, owner.role.slug, owner.is_invited) == ("olga@cafe.example", "owner", True)
        assert links.welcomed(links.welcome(owner)) == owner
    letters = [call for call in callbacks if "'welcome'" in repr(call)]
    assert len(letters) == 1


def test_the_same_request_twice_makes_one_tenant(platform, noon):
    first = onboarding.sign_up(**CAFE, now=noon)
    second = onboarding.sign_up(**CAFE, now=noon, wait=True)
    third = onboarding.sign_up(**CAFE, now=noon, wait=True)

    assert first.pk == second.pk == third.pk
    assert Subscription.objects.for_tenant(first).count() == 1
    with tenant_context(first):
        assert User.objects.count() == 1


def test_somebody_else_does_not_get_the_address(platform, noon):
    onboarding.sign_up(**CAFE, now=noon)

    with pytest.raises(SlugTaken):
        onboarding.sign_up(**CAFE | {"owner_email": "mallory@evil.example"}, now=noon)

    assert Tenant.objects.filter(slug="cafe-central").count() == 1


def test_an_unknown_plan_makes_nothing(platform, noon):
    with pytest.raises(errors.UnknownPlan):
        onboarding.sign_up(**CAFE | {"plan": "platinum"}, now=noon)

    assert not Tenant.objects.filter(slug="cafe-central").exists()

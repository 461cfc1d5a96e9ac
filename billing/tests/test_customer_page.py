"""What the console says of a customer's plan, to whom, and what can be done about it there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Plan, Subscription
from billing.tests.factories import PlanPriceFactory, SubscriptionFactory
from tenants.accounts.tests.factories import UserFactory
from tenants.models import Tenant
from tenants.services import lifecycle
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory, TenantFactory

PAST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def url(name, *args):
    return reverse(f"admin:{name}", urlconf="config.urls_public", args=args)


@pytest.fixture
def sul(db):
    reseller = ResellerFactory(name="Rede Sul", slug="sul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=reseller, domain="sul.localhost")
    return reseller


@pytest.fixture
def browser_as(sul):
    def make(role):
        user = UserFactory(email=f"{role}@sul.example", is_staff=True, language="en")
        ResellerMemberFactory(reseller=sul, user=user, role=role)
        client = Client(headers={"host": "sul.localhost", "accept-language": "en"})
        client.force_login(user)
        return client

    return make


@pytest.fixture
def bakery(sul):
    tenant = TenantFactory(name="Padaria", slug="plan-padaria", reseller=sul)
    plan = Plan.objects.get(slug="starter")
    SubscriptionFactory(tenant=tenant, plan=plan, starts_at=PAST)
    PlanPriceFactory(plan=plan, kind="list", reseller=None, amount_cents=19_700, starts_at=PAST - timedelta(days=9))
    PlanPriceFactory(plan=plan, kind="wholesale", reseller=None, amount_cents=12_900, starts_at=PAST)
    return tenant


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("owner", {"R$197.00 a month", "R$129.00", "R$68.00", "Change plan"}),
        ("manager", {"R$197.00 a month", "Change plan"}),
        ("finance", {"R$197.00 a month", "R$129.00", "R$68.00", "Change plan"}),
        ("support", set()),
    ],
)
def test_prices_and_margins_are_shown_to_whom_they_concern(browser_as, bakery, role, sees):
    page = browser_as(role).get(url("tenants_tenant_change", bakery.pk), {"tab": "usage"}).content.decode()

    known = {"R$197.00 a month", "R$129.00", "R$68.00", "Change plan"}
    assert {words for words in known if words in page} == sees


def test_the_plan_is_changed_from_the_customers_page(browser_as, bakery):
    client, page = browser_as("owner"), url("tenants_tenant_work", bakery.pk, "change_plan")
    assert "Padaria" in client.get(page).content.decode()

    assert client.post(page, {"confirmed": "1", "plan": "gold"}).status_code == 422
    client.post(page, {"confirmed": "1", "plan": "professional"})

    assert Subscription.objects.for_tenant(bakery).open().get().plan.slug == "professional"
    history = client.get(url("tenants_tenant_change", bakery.pk), {"tab": "usage"}).content.decode()
    assert "Plans until now" in history


def test_an_account_is_put_away_and_opened_again(browser_as, bakery):
    client, page = browser_as("manager"), url("tenants_tenant_change", bakery.pk)
    away = url("tenants_tenant_work", bakery.pk, "archive")

    assert client.post(away, {"confirmed": "1", "reason": ""}).status_code == 422
    client.post(away, {"confirmed": "1", "reason": "Closed for the season"})
    bakery.refresh_from_db()
    assert (bakery.status, bakery.delete_after) == ("archived", None)
    assert "Open the account again" in client.get(page).content.decode()

    client.post(url("tenants_tenant_reopen", bakery.pk))
    bakery.refresh_from_db()
    assert bakery.status == "active"


def test_support_puts_nobody_away(browser_as, bakery):
    client = browser_as("support")
    lifecycle.archive(tenant=bakery, by="test", now=PAST)

    assert client.get(url("tenants_tenant_work", bakery.pk, "archive")).status_code == 404
    assert client.post(url("tenants_tenant_reopen", bakery.pk)).status_code == 404
    assert "Open the account again" not in client.get(url("tenants_tenant_change", bakery.pk)).content.decode()


@pytest.mark.parametrize(("role", "sees"), [("owner", True), ("finance", True), ("manager", False), ("support", False)])
def test_the_overview_says_what_is_earned_to_whom_it_concerns(browser_as, bakery, role, sees):
    page = browser_as(role).get(url("index")).content.decode()

    assert ("Margin this month" in page) == sees


def test_at_home_the_list_says_whose_customer_it_is(bakery, admin_user):
    home = Client(headers={"host": "localhost", "accept-language": "en"})
    home.force_login(admin_user)
    direct = TenantFactory(name="Lantern", slug="plan-lantern", reseller=None)

    everybody = home.get(url("tenants_tenant_changelist"))
    assert {"Rede Sul", "Direct"} <= set(everybody.content.decode().replace("<", ">").split(">"))
    found = home.get(url("tenants_tenant_changelist"), {"reseller__id__exact": str(bakery.reseller_id)})
    assert [row.pk for row in found.context["cl"].result_list] == [bakery.pk]
    none = home.get(url("tenants_tenant_changelist"), {"reseller__isnull": "True"})
    assert direct.pk in [row.pk for row in none.context["cl"].result_list]


def test_the_usage_pages_filter_can_be_switched_off_again(browser_as, bakery):
    client = browser_as("support")
    near = client.get(url("billing_usage"), {"near": "1"})

    again = client.get(url("billing_usage") + near.context["near_url"])

    assert (near.context["is_near"], again.context["is_near"]) == (True, False)

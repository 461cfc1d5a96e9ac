"""The page of features and limits, its API, and the consoles' side of it."""

import pytest
from django.test import Client
from django.urls import reverse
from django_tenants.utils import schema_context

from billing import entitlements
from billing.models import Override
from billing.services import overrides
from billing.tests.factories import OverrideFactory, SubscriptionFactory
from conftest import person
from tenants.services import domains
from tenants.tests.factories import ResellerFactory, ResellerMemberFactory, TenantFactory

PAGE, API, PLATFORM = "/settings/features/", "/api/v1/settings/features/", "/api/platform/v1/overrides/"


@pytest.fixture
def sold(acme):
    acme.reseller = ResellerFactory(slug="rede")
    with schema_context("public"):
        acme.save()
        SubscriptionFactory(tenant=acme)
    return acme


def console_of(reseller, platform, client_of, role="owner"):
    """A browser of somebody of a reseller, on its own host."""
    domains.open_console(reseller=reseller)
    user = person(platform, "viewer", email=f"{role}@{reseller.slug}.example", is_staff=True)
    ResellerMemberFactory(reseller=reseller, user=user, role=role)
    browser = Client(headers={"host": domains.host_of_reseller(reseller)})
    with schema_context("public"):
        browser.force_login(user)
    return browser


def test_somebody_sees_why_and_switches_a_feature_off(sold, ana, client_of, noon):
    overrides.put(
        level="reseller",
        subject="limit",
        key="chat.agents",
        value=1,
        tenant=sold,
        reason="as we spoke",
        by="t",
        now=noon,
    )
    browser = client_of(sold, user=ana)

    page = browser.get(PAGE).content.decode()
    assert "as we spoke" in page
    assert "Rede" not in page  # the customer's pages name no reseller
    assert browser.post(f"{PAGE}fileUpload/", {"on": "0"}).status_code == 302
    assert not entitlements.flag("fileUpload", tenant=sold)
    assert browser.post(f"{PAGE}fileUpload/", {"on": "1"}).status_code == 302
    assert entitlements.flag("fileUpload", tenant=sold)
    assert browser.post(f"{PAGE}flying/", {"on": "0"}).status_code == 404


def test_only_those_who_may_switch(sold, client_of):
    agent = client_of(sold, role="agent")
    billing = client_of(sold, role="billing")

    assert agent.get(PAGE).status_code == 403
    assert billing.get(PAGE).status_code == 200
    assert billing.post(f"{PAGE}fileUpload/", {"on": "0"}).status_code == 403
    assert billing.patch(f"{API}fileUpload/", {"is_on": False}, "application/json").status_code == 403
    assert entitlements.flag("fileUpload", tenant=sold)


def test_a_program_reads_sources_and_switches(sold, ana, client_of):
    browser = client_of(sold, user=ana)

    found = browser.get(API).json()
    agents = next(one for one in found["limits"] if one["key"] == "chat.agents")
    assert (agents["limit"], agents["used"], agents["source"]) == (2, 0, "plan")
    done = browser.patch(f"{API}fileUpload/", {"is_on": False}, "application/json").json()
    assert (done["is_on"], done["source"], done["may_switch"]) == (False, "tenant", True)
    refused = browser.patch(f"{API}videoCall/", {"is_on": False}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_switch_off")
    assert browser.patch(f"{API}flying/", {"is_on": False}, "application/json").status_code == 404


def test_a_reseller_decides_for_its_customer_and_for_no_other(sold, platform, client_of):
    other = TenantFactory(reseller=ResellerFactory())
    theirs = OverrideFactory(level="platform", tenant=other, reseller=other.reseller)
    browser = console_of(sold.reseller, platform, client_of)
    add = reverse("admin:billing_override_add", urlconf="config.urls_public")
    entry = {"about": "limit chat.agents", "amount": "1", "reason": "fewer"}

    assert browser.get(f"{add}?tenant={sold.pk}").status_code == 200
    saved = browser.post(f"{add}?tenant={sold.pk}", entry)
    assert saved.status_code == 302
    assert entitlements.limit_of("chat.agents", tenant=sold) == 1
    tab = browser.get(saved["Location"]).content.decode()
    assert "fewer" in tab
    too_far = browser.post(f"{add}?tenant={sold.pk}", {**entry, "amount": "50"})
    assert (too_far.status_code, too_far.context["form"].errors.keys()) == (422, {"amount"})
    assert browser.post(f"{add}?tenant={other.pk}", entry).status_code == 404

    row = Override.objects.standing().get(level="reseller")
    back = reverse("admin:billing_override_take_back", args=[row.pk], urlconf="config.urls_public")
    assert browser.post(back).status_code == 302
    assert entitlements.limit_of("chat.agents", tenant=sold) == 2
    foreign = reverse("admin:billing_override_take_back", args=[theirs.pk], urlconf="config.urls_public")
    assert browser.post(foreign).status_code == 404
    assert str(other.name) not in browser.get(add.replace("add/", "")).content.decode()


def test_support_of_a_reseller_decides_nothing(sold, platform, client_of):
    browser = console_of(sold.reseller, platform, client_of, role="support")
    add = reverse("admin:billing_override_add", urlconf="config.urls_public")

    assert browser.get(f"{add}?tenant={sold.pk}").status_code == 404
    sent = {"tenant": str(sold.pk), "subject": "limit", "key": "chat.agents", "value": 1}
    assert browser.post(PLATFORM, sent, "application/json").status_code == 403
    assert not Override.objects.exists()


def test_a_resellers_program_does_the_same(sold, platform, client_of):
    other = TenantFactory(reseller=ResellerFactory())
    hidden = OverrideFactory(level="reseller", tenant=other, reseller=other.reseller, value=False)
    browser = console_of(sold.reseller, platform, client_of)
    sent = {"tenant": str(sold.pk), "subject": "limit", "key": "chat.agents", "value": 1, "reason": "fewer"}

    made = browser.post(PLATFORM, sent, "application/json")
    assert (made.status_code, made.json()["level"], made.json()["version"]) == (201, "reseller", 1)
    assert entitlements.limit_of("chat.agents", tenant=sold) == 1
    assert [row["id"] for row in browser.get(PLATFORM).json()["results"]] == [made.json()["id"]]
    stale = browser.post(PLATFORM, {**sent, "value": 2, "seen_version": 0}, "application/json")
    assert (stale.status_code, stale.json()["code"]) == (409, "changed_meanwhile")
    far = browser.post(PLATFORM, {**sent, "value": 9}, "application/json")
    assert (far.status_code, [one["field"] for one in far.json()["errors"]]) == (422, ["value"])
    foreign = browser.post(PLATFORM, {**sent, "tenant": str(other.pk)}, "application/json")
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (422, "tenant")
    assert browser.delete(f"{PLATFORM}{hidden.pk}/").status_code == 404
    assert browser.delete(f"{PLATFORM}{made.json()['id']}/").status_code == 204
    assert entitlements.limit_of("chat.agents", tenant=sold) == 2


def test_the_platform_allows_a_reseller_more_and_decides_for_everybody(sold, platform, client_of):
    admin = person(platform, None, email="root@platform.example", is_staff=True, is_superuser=True)
    browser = client_of(platform, user=admin)

    allowed = browser.post(
        PLATFORM, {"reseller": "rede", "subject": "limit", "key": "chat.agents", "value": 9}, "application/json"
    )
    off = browser.post(PLATFORM, {"subject": "feature", "key": "fileUpload", "value": False}, "application/json")

    assert (allowed.status_code, allowed.json()["reseller"]) == (201, "rede")
    assert (off.status_code, off.json()["tenant"], off.json()["reseller"]) == (201, None, None)
    assert not entitlements.flag("fileUpload", tenant=sold)
    page = browser.get(reverse("admin:billing_override_changelist", urlconf="config.urls_public"))
    assert page.status_code == 200


@pytest.mark.parametrize("rows", [1, 4])
def test_the_list_of_exceptions_asks_the_same_number_of_questions(
    sold, platform, client_of, rows, django_assert_max_num_queries
):
    for key in ("videoCall", "fileUpload", "analytics", "audioRecording")[:rows]:
        OverrideFactory(level="reseller", tenant=sold, reseller=sold.reseller, key=key, value=False)
    browser = console_of(sold.reseller, platform, client_of)
    url = reverse("admin:billing_override_changelist", urlconf="config.urls_public")
    browser.get(url)

    with django_assert_max_num_queries(14):
        browser.get(url)

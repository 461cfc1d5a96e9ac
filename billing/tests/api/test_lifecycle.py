"""A customer's life over the platform's API and in the console: who may, what is refused, and nobody else's customer."""

import pytest
from django.urls import reverse
from django_tenants.utils import schema_context

from billing.models import Plan
from billing.tests.factories import SubscriptionFactory
from billing.tests.views.test_features import console_of
from tenants.enums import JobKind, TenantStatus
from tenants.models import Tenant, TenantJob
from tenants.tests.factories import ResellerFactory, TenantFactory

API = "/api/platform/v1/tenants/"
CALLS = {
    "clone": {"name": "Filial", "owner_email": "nova@filial.example"},
    "rename": {"slug": "acme-nova"},
    "move-domain": {"host": "chat.loja.example", "to": "01a2033d-2ba3-73ee-93a1-9aed98e08522"},
    "delete": {"name": "Acme", "reason": "They asked for it"},
    "undelete": {},
    "archive": {"reason": "They asked for it"},
    "restore": {},
    "plan": {"plan": "business"},
}
PAGES = ("clone", "rename", "move_domain", "close")


@pytest.fixture
def sold(acme):
    acme.reseller = ResellerFactory(slug="rede")
    with schema_context("public"):
        acme.save()
    return acme


def send(browser, tenant, call, **more):
    return browser.post(f"{API}{tenant.pk}/{call}/", {**CALLS[call], **more}, "application/json")


def test_a_program_copies_renames_closes_and_opens_a_customer(sold, platform, client_of):
    browser = console_of(sold.reseller, platform, client_of)

    made = send(browser, sold, "clone")
    assert (made.status_code, made.json()["slug"], made.json()["status"]) == (201, "filial", "provisioning")
    job = TenantJob.objects.get(tenant_id=made.json()["id"])
    assert (job.kind, job.source) == (JobKind.CLONE, sold)
    again = send(browser, sold, "clone", slug="filial")
    assert (again.status_code, again.json()["code"]) == (409, "slug_taken")
    both = send(browser, sold, "clone", mode="full")
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "owner_email")

    named = send(browser, sold, "rename")
    assert (named.status_code, named.json()["slug"]) == (200, "acme-nova")
    assert browser.post(f"{API}{sold.pk}/rename/", {}, "application/json").status_code in (400, 422)
    far = send(browser, sold, "move-domain")
    assert (far.status_code, far.json()["errors"][0]["field"]) == (422, "to")

    wrong = send(browser, sold, "delete", name="Beta")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "name")
    gone = send(browser, sold, "delete")
    assert (gone.status_code, gone.json()["status"]) == (200, "archived")
    assert gone.json()["delete_after"]
    closed = send(browser, sold, "rename", slug="acme-outra")
    assert (closed.status_code, closed.json()["code"]) == (409, "wrong_state")
    back = send(browser, sold, "undelete")
    assert (back.status_code, back.json()["status"], back.json()["delete_after"]) == (200, "active", None)
    assert send(browser, sold, "undelete").status_code == 409


def test_a_program_puts_a_customer_away_opens_it_again_and_changes_its_plan(sold, platform, client_of):
    browser = console_of(sold.reseller, platform, client_of)

    away = send(browser, sold, "archive", reason="Closed for the season")
    assert (away.status_code, away.json()["status"], away.json()["delete_after"]) == (200, "archived", None)
    assert send(browser, sold, "archive", reason=7 * "long enough to be refused, this is no reason").status_code == 422
    back = send(browser, sold, "restore")
    assert (back.status_code, back.json()["status"]) == (200, "active")

    none = send(browser, sold, "plan")
    assert none.status_code == 409
    SubscriptionFactory(tenant=sold, plan=Plan.objects.get(slug="starter"))
    other = send(browser, sold, "plan")
    assert (other.status_code, other.json()["plan"]) == (200, "business")
    unknown = send(browser, sold, "plan", plan="gold")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "plan")
    assert send(browser, sold, "plan", price="1").status_code == 422


def test_nobody_touches_a_customer_of_another_reseller(sold, platform, client_of):
    other = TenantFactory(reseller=ResellerFactory())
    browser = console_of(sold.reseller, platform, client_of)

    assert {call: send(browser, other, call).status_code for call in CALLS} == dict.fromkeys(CALLS, 404)
    for page in PAGES:
        url = reverse(f"admin:tenants_tenant_{page}", args=[other.pk], urlconf="config.urls_public")
        assert browser.get(url).status_code == 404, page
        assert browser.post(url, {"name": other.name, "reason": "no reason"}).status_code == 404, page
    other.refresh_from_db()
    assert other.status == TenantStatus.ACTIVE
    assert Tenant.objects.customers().count() == 3


def test_support_and_finance_close_nobody(sold, platform, client_of):
    for role in ("support", "finance"):
        browser = console_of(sold.reseller, platform, client_of, role=role)
        assert send(browser, sold, "delete").status_code == 403, role
        assert send(browser, sold, "clone").status_code == 403, role


def test_the_console_asks_before_it_does(sold, platform, client_of):
    browser = console_of(sold.reseller, platform, client_of)
    pages = {
        page: reverse(f"admin:tenants_tenant_{page}", args=[sold.pk], urlconf="config.urls_public")
        for page in (*PAGES, "reopen")
    }
    for page in PAGES:
        assert browser.get(pages[page]).status_code == 200, page
    assert browser.post(pages["clone"], {"name": "Filial", "mode": "settings"}).status_code == 422
    assert browser.post(pages["rename"], {"name": "Acme", "slug": "admin"}).status_code == 422
    assert browser.post(pages["move_domain"], {"host": "no.example", "to": "beta"}).status_code == 422
    assert browser.post(pages["close"], {"name": "Acme", "reason": "no"}).status_code == 422
    assert browser.post(pages["close"], {"name": "Acme", "reason": "They asked for it"}).status_code == 302
    overview = reverse("admin:tenants_tenant_change", args=[sold.pk], urlconf="config.urls_public")
    assert pages["reopen"] in browser.get(overview).content.decode()
    assert browser.post(pages["reopen"]).status_code == 302
    sold.refresh_from_db()
    assert sold.status == TenantStatus.ACTIVE

"""What a reseller gives its customers: entered in its console, used by its customers alone, seen by nobody else."""

import pytest
from django.test import Client
from django_tenants.utils import schema_context, tenant_context

from chat.services.bots import assistant
from conftest import person
from ops.kernel.configuration import services as configuration
from tenants.queries import hosts
from tenants.services import domains
from tenants.tests.factories import ResellerFactory, ResellerMemberFactory

PAGE = "/admin/credentials/providers.openai/"


def console_of(platform, reseller, role="owner"):
    with schema_context("public"):
        domains.open_console(reseller=reseller)
        user = person(platform, "viewer", email=f"{role}@{reseller.slug}.example", is_staff=True)
        ResellerMemberFactory(reseller=reseller, user=user, role=role)
        browser = Client(headers={"host": domains.host_of_reseller(reseller)})
        browser.force_login(user)
    return browser


@pytest.fixture
def rede(acme):
    acme.reseller = ResellerFactory(slug="rede")
    with schema_context("public"):
        acme.save()
        hosts.forget()
    return acme.reseller


def form(service, **changes):
    return {
        "do": "save", "version": 0, "base_url": f"{service.url}/v1", "key": "sk-rede", "model": "gpt-4o-mini",
        "price_in": "0.15", "price_out": "0.60", "budget": 10, "timeout_s": 20, **changes,
    }  # fmt: skip


def test_a_reseller_gives_its_customers_a_key_and_takes_it_back(acme, beta, platform, rede, fake_http):
    fake_http.on("GET", "/v1/models").reply(200, {"data": [{"id": "gpt-4o-mini"}]})
    browser = console_of(platform, rede)

    assert (
        "It works."
        in browser.post(PAGE, form(fake_http, do="test"), headers={"accept-language": "en"}).content.decode()
    )
    assert browser.post(PAGE, form(fake_http)).status_code == 302

    with tenant_context(acme):
        assert configuration.get(assistant.NAME)["key"].reveal() == "sk-rede"
    with tenant_context(beta):
        assert not assistant.is_set_up()
    shown = browser.get(PAGE).content.decode()
    assert "sk-rede" not in shown
    stale = browser.post(PAGE, form(fake_http, budget=99))
    assert stale.status_code == 422
    assert browser.post(PAGE, {"do": "reset"}).status_code == 302
    with tenant_context(acme):
        assert not assistant.is_set_up()
    assert browser.post(PAGE, {"version": "1"}).status_code == 302
    with tenant_context(acme):
        assert assistant.is_set_up()


def test_another_reseller_and_another_role_see_nothing(acme, platform, rede, fake_http):
    fake_http.on("GET", "/v1/models").reply(200, {"data": [{"id": "gpt-4o-mini"}]})
    console_of(platform, rede).post(PAGE, form(fake_http, model="rede-only-model", do="insist"))
    other = console_of(platform, ResellerFactory(slug="outra"))

    page = other.get(PAGE)

    assert page.status_code == 200
    assert "rede-only-model" not in page.content.decode()
    assert other.post(PAGE, {"version": "1"}).status_code == 422
    for role in ("manager", "support", "finance"):
        assert console_of(platform, rede, role=role).get(PAGE).status_code == 404
    assert other.get("/admin/credentials/chat.webpush/").status_code == 404

"""Credentials: whose are used, tried before they are kept, never shown again, with a history and a way back."""

import pytest
from django_tenants.utils import schema_context, tenant_context

from chat.services.bots import assistant
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.services import credentials
from ops.kernel.redaction import MASK
from tenants.queries import hosts
from tenants.tests.factories import ResellerFactory

NAME = "providers.openai"
PAGE, API = f"/settings/credentials/{NAME}/", f"/api/v1/settings/credentials/{NAME}/"


@pytest.fixture
def service(fake_http):
    """A language model that knows one key."""
    fake_http.on("GET", "/v1/models").reply(200, {"data": [{"id": "gpt-4o-mini"}]})
    return fake_http


@pytest.fixture
def browser(acme, ana, client_of):
    return client_of(acme, user=ana)


def form(service, **changes):
    return {
        "version": 0, "base_url": f"{service.url}/v1", "key": "sk-secret-1", "model": "gpt-4o-mini",
        "price_in": "0.15", "price_out": "0.60", "budget": 10, "timeout_s": 20, **changes,
    }  # fmt: skip


def test_somebody_enters_tries_changes_and_goes_back(browser, service, acme):
    tried = browser.post(f"{PAGE}test/", form(service), headers={"hx-request": "true"})
    assert "gpt-4o-mini" in tried.content.decode()
    assert service.requests[-1].headers["Authorization"] == "Bearer sk-secret-1"
    assert browser.post(PAGE, form(service)).status_code == 302
    page = browser.get(PAGE).content.decode()
    assert "sk-secret-1" not in page
    assert f'placeholder="{MASK}"' in page

    changed = browser.post(PAGE, form(service, version=1, key="sk-secret-2", budget=25))
    assert changed.status_code == 302
    history = browser.get(f"{PAGE}history/").content.decode()
    assert "ana@acme.example" in history
    assert "<del>10</del>" in history or "<ins>25</ins>" in history
    assert "sk-secret" not in history

    assert browser.post(f"{PAGE}rollback/", {"version": 1}).status_code == 302
    with tenant_context(acme):
        values = configuration.get(NAME)
        assert (values["key"].reveal(), values["budget"], values.version) == ("sk-secret-1", 10, 3)
    assert browser.post(f"{PAGE}reset/").status_code == 302
    with tenant_context(acme):
        assert not assistant.is_set_up()
    for bad in ("", "x", "99"):
        assert browser.post(f"{PAGE}rollback/", {"version": bad}).status_code in (404, 422)


def test_what_the_service_refuses_is_kept_only_by_somebody_who_insists(browser, fake_http, acme):
    fake_http.on("GET", "/v1/models").reply(401, {"error": {"message": "Incorrect API key"}})

    refused = browser.post(PAGE, form(fake_http))

    assert refused.status_code == 422
    assert "Incorrect API key" in refused.content.decode()
    assert 'name="insist"' in refused.content.decode()
    with tenant_context(acme):
        assert configuration.get(NAME).version == 0
    assert browser.post(PAGE, form(fake_http, insist="1")).status_code == 302
    with tenant_context(acme):
        assert configuration.get(NAME)["key"].reveal() == "sk-secret-1"


def test_a_service_that_is_away_stops_nobody_from_saving(browser, fake_http, acme):
    fake_http.on("GET", "/v1/models").reply(503, {})

    assert browser.post(PAGE, form(fake_http)).status_code == 302


def test_the_second_of_two_people_is_told(browser, service, acme):
    browser.post(PAGE, form(service))

    late = browser.post(PAGE, form(service, version=0, budget=99))

    assert late.status_code == 422
    assert "ana@acme.example" in late.content.decode()
    with tenant_context(acme):
        assert configuration.get(NAME)["budget"] == 10


def test_the_platforms_key_is_never_sent_to_an_address_somebody_typed(acme, ana, service, settings, noon):
    settings.OPENAI_API_KEY = "sk-platform"
    assert configuration.get(NAME)["key"].reveal() == "sk-platform"

    configuration.set(NAME, {"base_url": f"{service.url}/v1"}, by=ana, now=noon)

    assert configuration.get(NAME)["key"].reveal() == ""
    assistant.check(configuration.get(NAME))
    assert "Authorization" not in service.requests[-1].headers


def test_a_typed_address_does_not_lead_into_our_own_network(browser, service, settings):
    settings.SERVICE_PRIVATE_ADDRESSES = False

    answer = browser.post(f"{API}test/", {"values": {"base_url": f"{service.url}/v1"}}, "application/json").json()

    assert answer["ok"] is False
    assert service.requests == []


def test_a_resellers_values_stand_between_the_platforms_and_the_tenants(acme, beta, ana, settings, noon):
    settings.OPENAI_API_KEY = "sk-platform"
    acme.reseller = ResellerFactory()
    with schema_context("public"):
        acme.save()
        hosts.forget()
        configuration.set(NAME, {"key": "sk-reseller"}, by="reseller", now=noon, scope=str(acme.reseller.pk))

    assert configuration.get(NAME)["key"].reveal() == "sk-reseller"
    with tenant_context(beta):
        assert configuration.get(NAME)["key"].reveal() == "sk-platform"
    configuration.set(NAME, {"key": "sk-own"}, by=ana, now=noon)
    assert configuration.get(NAME)["key"].reveal() == "sk-own"
    configuration.reset(NAME, by=ana, now=noon)
    assert configuration.get(NAME)["key"].reveal() == "sk-reseller"
    with pytest.raises(ValueError, match="public"):
        configuration.set(NAME, {"key": "x"}, by=ana, now=noon, scope=str(acme.reseller.pk))


def test_only_those_who_may_change_settings_come_in(acme, client_of):
    agent = client_of(acme, role="agent")

    assert [agent.get(path).status_code for path in ("/settings/credentials/", PAGE, f"{PAGE}history/", API)] == [
        403
    ] * 4


def test_another_customer_sees_neither_values_nor_history(browser, beta, caio, client_of, service):
    browser.post(PAGE, form(service, model="acme-only-model", insist="1"))
    other = client_of(beta, user=caio)

    seen = [other.get(path).content.decode() for path in (PAGE, f"{PAGE}history/", API, f"{API}versions/")]

    assert not any("acme-only-model" in page for page in seen)
    assert other.post(f"{API}versions/", {"version": 1}, "application/json").status_code == 404
    assert other.get("/settings/credentials/chat.webpush/").status_code == 404


def test_a_program_does_the_same(browser, service):
    values = {"base_url": f"{service.url}/v1", "key": "sk-secret-1"}

    saved = browser.patch(API, {"values": values, "seen_version": 0}, "application/json")
    assert saved.status_code == 200
    assert (saved.json()["used"], saved.json()["version"], saved.json()["values"]["key"]) == ("own", 1, MASK)
    stale = browser.patch(API, {"values": {"budget": 3}, "seen_version": 0}, "application/json")
    assert (stale.status_code, stale.json()["code"]) == (409, "changed_meanwhile")
    wrong = browser.patch(API, {"values": {"budget": -1, "wings": 2}}, "application/json").json()
    assert {one["field"] for one in wrong["errors"]} == {"budget", "wings"}
    tried = browser.post(f"{API}test/", {}, "application/json").json()
    assert tried["ok"] is True
    history = browser.get(f"{API}versions/").json()
    assert [one["version"] for one in history] == [1]
    assert "sk-secret" not in str(history)
    assert browser.delete(API).status_code == 204
    back = browser.post(f"{API}versions/", {"version": 1}, "application/json")
    assert (back.status_code, back.json()["version"]) == (200, 3)
    assert [one["name"] for one in browser.get("/api/v1/settings/credentials/").json()][0] == NAME


def test_trying_is_braked(browser, service, monkeypatch):
    monkeypatch.setattr(credentials, "TESTS_A_MINUTE", 1)
    sent = {"values": {"base_url": f"{service.url}/v1"}}

    codes = [browser.post(f"{API}test/", sent, "application/json").status_code for _ in range(2)]

    assert codes == [200, 429]

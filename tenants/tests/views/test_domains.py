"""The page of own domains, its doors and its API."""

import pytest
from django_tenants.utils import schema_context

from ops.kernel.testing import FakeDNS
from tenants.models import DomainClaim
from tenants.queries import records
from tenants.services import claims, domains

HOST = "chat.loja.com.br"
API = "/api/v1/settings/domains/"


@pytest.fixture
def fake_dns(settings):
    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        settings.EDGE_HOST = "edge.balcao.example"
        yield server


@pytest.fixture
def browser(acme, ana, client_of):
    return client_of(acme, user=ana)


def test_somebody_adds_a_domain_proves_it_and_makes_it_the_main_address(browser, fake_dns, acme):
    added = browser.post("/settings/domains/", {"host": HOST})
    row = DomainClaim.objects.get(tenant=acme)
    page = browser.get(added["Location"]).content.decode()
    assert added["Location"] == f"/settings/domains/{row.pk}/"
    assert records.proof_value(row) in page
    assert "edge.balcao.example" in page
    assert "/primary/" not in page

    fake_dns.on(records.proof_name(HOST), "TXT", records.proof_value(row))
    fake_dns.on(HOST, "CNAME", "edge.balcao.example")
    live = browser.post(f"/settings/domains/{row.pk}/check/", headers={"hx-request": "true"})
    assert live.status_code == 200
    assert 'id="domain-state"' in live.content.decode()
    assert "<html" not in live.content.decode()

    done = browser.post(f"/settings/domains/{row.pk}/primary/", {"redirect": "on"})
    assert done.status_code == 302
    assert domains.host_of(acme) == HOST
    assert browser.get("/settings/domains/")["Location"].startswith(domains.address_at(HOST))

    back = browser.post("/settings/domains/given/")
    assert back.status_code == 302
    assert domains.host_of(acme) == "acme.localhost"
    assert HOST in browser.get("/settings/domains/").content.decode()

    assert browser.post(f"/settings/domains/{row.pk}/remove/").status_code == 302
    assert not DomainClaim.objects.exists()


def test_a_refused_host_is_shown_again_with_the_reason(browser):
    answer = browser.post("/settings/domains/", {"host": "com.br"})

    assert answer.status_code == 422
    assert 'value="com.br"' in answer.content.decode()
    assert not DomainClaim.objects.exists()


def test_only_those_who_may_manage_domains_come_in(acme, client_of, noon):
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    agent = client_of(acme, role="agent")

    assert agent.get("/settings/domains/").status_code == 403
    assert agent.post(f"/settings/domains/{row.pk}/remove/").status_code == 403
    assert agent.get(API).status_code == 403
    assert DomainClaim.objects.count() == 1


def test_the_domains_of_another_customer_do_not_exist(browser, acme, beta, noon):
    theirs = claims.claim(tenant=beta, host="beta-secret.com.br", now=noon)

    answers = [
        browser.get(f"/settings/domains/{theirs.pk}/"),
        *(browser.post(f"/settings/domains/{theirs.pk}/{verb}/") for verb in ("check", "primary", "remove")),
        browser.get(f"{API}{theirs.pk}/"),
        browser.delete(f"{API}{theirs.pk}/"),
        *(browser.post(f"{API}{theirs.pk}/{verb}/", {}, "application/json") for verb in ("check", "primary")),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert "beta-secret" not in browser.get("/settings/domains/").content.decode()
    assert browser.get(API).json()["results"] == []
    with schema_context("public"):
        assert DomainClaim.objects.get(pk=theirs.pk).checked_at is None


def test_the_button_is_not_a_way_to_storm_the_dns(browser, acme, fake_dns, noon, monkeypatch):
    monkeypatch.setattr(claims, "CHECKS_A_MINUTE", 1)
    row = claims.claim(tenant=acme, host=HOST, now=noon)

    codes = [browser.post(f"{API}{row.pk}/check/").status_code for _ in range(2)]

    assert codes == [200, 429]


def test_a_program_does_the_same(browser, fake_dns, acme):
    made = browser.post(API, {"host": "Café.com.br"}, "application/json")
    assert made.status_code == 201
    row = made.json()
    assert (row["host"], row["state"], row["has_proof"]) == ("xn--caf-dma.com.br", "waiting", None)
    proof, way = row["records"]
    assert (proof["kind"], proof["name"], way["kind"]) == ("TXT", "_domain-check", "ALIAS")
    again = browser.post(API, {"host": "café.com.br"}, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "host_claimed")
    bad = browser.post(API, {"host": "com.br"}, "application/json").json()
    assert [error["field"] for error in bad["errors"]] == ["host"]

    fake_dns.on(proof["full"], "TXT", proof["value"])
    checked = browser.post(f"{API}{row['id']}/check/").json()
    assert (checked["state"], checked["has_proof"], checked["leads_here"]) == ("verified", True, False)
    not_ready = browser.post(f"{API}{row['id']}/primary/", {}, "application/json")
    assert (not_ready.status_code, not_ready.json()["code"]) == (409, "host_not_ready")

    assert browser.delete(f"{API}{row['id']}/").status_code == 204


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(browser, acme, noon, rows, django_assert_num_queries):
    for number in range(rows):
        claims.claim(tenant=acme, host=f"loja{number}.com.br", now=noon)
    browser.get("/settings/domains/")

    with django_assert_num_queries(4, exact=False):
        answer = browser.get(API)

    assert len(answer.json()["results"]) == rows

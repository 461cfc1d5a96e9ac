"""From the Host header to a page, and what a tenant's state allows."""

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from tenants.enums import TenantStatus
from tenants.models import Tenant
from tenants.queries import hosts
from tenants.services import company, lifecycle


@pytest.mark.parametrize(
    "host",
    [
        "nobody.localhost",
        "evil.example",
        "",
        "[",
        "a b",
        "acme.localhost@evil.example",
        "acme.localhost\tx",
        "é.localhost",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/", "/login/", "/brand.css", "/api/v1/settings/"])
def test_a_host_nobody_has_gets_404_and_no_more(acme, host, path):
    response = Client(headers={"host": host}).get(path)

    assert response.status_code == 404
    assert b"Traceback" not in response.content
    assert not response.cookies


@pytest.mark.parametrize("host", ["acme.localhost", "ACME.LOCALHOST:8000", "acme.localhost.", "www.acme.localhost"])
def test_every_spelling_of_a_host_is_the_same_tenant(acme, host):
    response = Client(headers={"host": host}).get("/login/")

    assert response.status_code == 200
    assert response.wsgi_request.tenant.pk == acme.pk
    assert response.wsgi_request.reseller is None


def test_the_api_says_it_in_its_own_shape(db):
    response = Client(headers={"host": "nobody.localhost"}).get("/api/v1/settings/")

    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_a_request_starts_in_public_whatever_the_thread_did_before(acme, beta):
    connection.set_tenant(beta)

    Client(headers={"host": "nobody.localhost"}).get("/")

    assert connection.schema_name == "public"


def test_with_a_single_tenant_there_is_no_console(acme, settings):
    settings.SINGLE_TENANT = "t_acme"
    hosts.clear()
    browser = Client(headers={"host": "localhost"})

    assert browser.get("/login/").wsgi_request.tenant.pk == acme.pk
    assert browser.get("/admin/").status_code == 404


# --- Language -----------------------------------------------------------------------------------------


def test_a_tenants_pages_speak_its_language_whatever_the_browser_asks_for(acme, client_of):
    response = client_of(acme).get("/login/", headers={"accept-language": "en"})

    assert response.headers["Content-Language"] == "pt-br"


def test_the_platform_listens_to_the_browser(platform, client_of):
    response = client_of(platform).get("/", headers={"accept-language": "en"})

    assert response.headers["Content-Language"] == "en"
    assert "Accept-Language" in response.headers["Vary"]


def test_a_person_s_own_language_wins(acme, ana, client_of):
    ana.language = "en"
    ana.save()

    response = client_of(acme, user=ana).get("/settings/")

    assert response.headers["Content-Language"] == "en"


def test_the_switch_remembers_in_the_browser_and_on_the_person(acme, bia, client_of):
    browser = client_of(acme, user=bia)

    response = browser.post("/language/", {"language": "en", "next": "/settings/"})

    assert (response.status_code, response.url) == (302, "/settings/")
    bia.refresh_from_db()
    assert bia.language == "en"
    assert client_of(acme).get("/login/").headers["Content-Language"] == "pt-br"
    stranger = client_of(acme)
    stranger.post("/language/", {"language": "en"})
    assert stranger.get("/login/").headers["Content-Language"] == "en"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_switch_sends_nobody_away(acme, client_of, target):
    assert client_of(acme).post("/language/", {"language": "en", "next": target}).url == "/"


@pytest.mark.parametrize("language", ["", "xx", "pt-br\x00", "../en"])
def test_the_switch_knows_its_languages(acme, client_of, language):
    response = client_of(acme).post("/language/", {"language": language})

    assert response.status_code == 422
    assert "django_language" not in response.cookies


def test_languages_do_not_leak_into_the_next_request(acme, client_of):
    with translation.override("pt-br"):
        client_of(acme).get("/login/", headers={"cookie": "django_language=en"})
        assert translation.get_language() == "pt-br"


# --- States -------------------------------------------------------------------------------------------


def test_a_tenant_in_preparation_asks_for_patience(acme, ana, client_of):
    Tenant.objects.filter(pk=acme.pk).update(status=TenantStatus.PROVISIONING)
    hosts.clear()

    page = client_of(acme).get("/login/")
    program = client_of(acme).get("/api/v1/settings/")

    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert page.headers["Refresh"] == "5"
    assert (program.status_code, program.json()["code"]) == (503, "tenant_not_ready")


def test_a_suspended_tenant_can_be_read_and_not_changed(acme, ana, client_of):
    browser = client_of(acme, user=ana)
    lifecycle.suspend(tenant=acme, reason="Unpaid", by="test")

    read = browser.get("/settings/company/")
    changed = browser.post(
        "/settings/company/", {"name": "Other", "language": "en", "time_zone": "UTC", "currency": "BRL"}
    )

    assert read.status_code == 200
    assert changed.status_code == 402
    assert Tenant.objects.get(pk=acme.pk).name == "Acme"


def test_programs_of_a_suspended_tenant_are_told_to_stop(acme, ana, client_of):
    lifecycle.suspend(tenant=acme, reason="Unpaid", by="test")

    response = client_of(acme, user=ana).get("/api/v1/settings/", headers={"authorization": "Token x"})

    assert (response.status_code, response.json()["code"]) == (402, "tenant_suspended")


def test_people_of_a_suspended_tenant_can_still_log_in(acme, ana, client_of):
    lifecycle.suspend(tenant=acme, reason="Unpaid", by="test")

    response = client_of(acme).post("/login/", {"email": ana.email, "password": "balcao-demo"})

    assert response.status_code == 302


def test_a_resumed_tenant_works_at_once(acme, ana, client_of):
    browser = client_of(acme, user=ana)
    lifecycle.suspend(tenant=acme, reason="Unpaid", by="test")
    assert browser.post("/settings/company/", {}).status_code == 402
    lifecycle.resume(tenant=acme, by="test")

    assert browser.post("/settings/company/", {}).status_code == 422


@pytest.mark.parametrize("status", [TenantStatus.ARCHIVED])
def test_a_closed_tenant_answers_that_it_is_closed(acme, ana, client_of, status):
    browser = client_of(acme, user=ana)
    Tenant.objects.filter(pk=acme.pk).update(status=status)
    hosts.clear()

    assert {browser.get(path).status_code for path in ("/", "/login/", "/settings/", "/api/v1/settings/")} == {410}
    assert browser.post("/login/", {"email": ana.email, "password": "balcao-demo"}).status_code == 410
    assert browser.get("/brand.css").status_code == 200


def test_the_time_zone_of_the_tenant_is_in_force(acme, ana, client_of):
    company.update(tenant=acme, time_zone="America/Manaus")

    response = client_of(acme, user=ana).get("/settings/company/")

    assert '<option value="America/Manaus" selected>' in response.text

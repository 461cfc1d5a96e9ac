"""The settings pages: who may open them, what they save, what they refuse."""

import pytest
from django_tenants.utils import schema_context

from ops.kernel.audit.models import AuditEntry
from tenants.models import Tenant
from tenants.queries import brands
from tenants.services import branding
from tenants.tests.services.test_branding import picture

COMPANY = {"name": "Acme", "language": "pt-br", "time_zone": "America/Sao_Paulo", "currency": "BRL"}
BRAND = {
    "display_name": "",
    "primary_color": "#0b6b5d",
    "secondary_color": "#3d4451",
    "email_sender_name": "",
    "custom_css": "",
}


@pytest.mark.parametrize("path", ["/settings/", "/settings/company/", "/settings/branding/"])
def test_strangers_are_asked_to_log_in(acme, client_of, path):
    response = client_of(acme).get(path)

    assert (response.status_code, response.url) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("role", ["agent", "editor", "viewer", "billing"])
@pytest.mark.parametrize("path", ["/settings/company/", "/settings/branding/", "/settings/branding/preview/"])
def test_only_managers_change_the_company(acme, client_of, role, path):
    browser = client_of(acme, role=role)

    assert browser.get(path).status_code in (403, 405)
    assert browser.post(path, {**COMPANY, **BRAND, "name": "Mine"}).status_code == 403
    assert Tenant.objects.get(pk=acme.pk).name == "Acme"


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_managers_find_and_open_them(acme, client_of, role):
    browser = client_of(acme, role=role)

    index = browser.get("/settings/").text

    for path in ("/settings/company/", "/settings/branding/"):
        assert f'href="{path}"' in index
        assert browser.get(path).status_code == 200
    assert "/settings/branding/" not in client_of(acme, role="agent").get("/settings/").text


def test_the_company_is_saved_and_known_at_once(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    response = browser.post(
        "/settings/company/",
        {"name": "Padaria  Aurora", "language": "en", "time_zone": "America/Manaus", "currency": "USD"},
    )

    assert response.status_code == 302
    assert "Padaria Aurora" in browser.get("/settings/company/").text
    row = Tenant.objects.get(pk=acme.pk)
    assert (row.name, row.language, row.time_zone, row.currency) == ("Padaria Aurora", "en", "America/Manaus", "USD")
    entry = AuditEntry.objects.get(action="tenants.settings_changed")
    assert entry.detail["changed"]["name"] == ["Acme", "Padaria Aurora"]
    assert entry.actor_id == str(ana.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 121),
        ("name", "a\x00"),
        ("language", "xx"),
        ("time_zone", "Mars/Base"),
        ("time_zone", "../etc"),
        ("currency", "XXX"),
        ("currency", ""),
    ],
)
def test_what_cannot_be_is_refused_in_place(acme, ana, client_of, field, value):
    response = client_of(acme, user=ana).post("/settings/company/", COMPANY | {field: value})

    assert response.status_code == 422
    assert field in response.context["form"].errors
    row = Tenant.objects.get(pk=acme.pk)
    assert (row.name, row.language, row.time_zone, row.currency) == ("Acme", "pt-br", "America/Sao_Paulo", "BRL")


def test_the_brand_is_saved_with_its_pictures(acme, ana, client_of):
    logo, favicon = picture(), picture(size=(32, 32))
    logo.name, favicon.name = "logo.png", "../../favicon.png"

    response = client_of(acme, user=ana).post(
        "/settings/branding/",
        BRAND
        | {
            "display_name": "Aurora",
            "primary_color": "#b4532a",
            "custom_css": "h1 { color: red }",
            "logo": logo,
            "favicon": favicon,
        },
    )

    assert response.status_code == 302
    look = brands.brand_for(acme)
    assert (look.display_name, look.primary) == ("Aurora", "#b4532a")
    assert "h1 { color: red; }" in look.css
    assert look.logo.name.startswith(f"brand/{acme.pk}/")
    assert look.favicon.name.endswith(".ico")


def test_what_was_not_touched_keeps_coming_from_above(acme, ana, client_of):
    client_of(acme, user=ana).post("/settings/branding/", BRAND | {"display_name": "Aurora"})

    assert branding.of(acme).primary_color == ""


def test_pictures_can_be_taken_away(acme, ana, client_of):
    branding.save(owner=acme, logo=picture())

    client_of(acme, user=ana).post("/settings/branding/", BRAND | {"remove_logo": "on"})

    assert not branding.of(acme).logo


def test_everything_can_be_taken_back(acme, ana, client_of):
    branding.save(
        owner=acme, logo=picture(), primary_color="#b4532a", custom_css="h1 { color: red }", display_name="Aurora"
    )

    client_of(acme, user=ana).post("/settings/branding/", {"reset": "1"})

    row = branding.of(acme)
    assert (bool(row.logo), row.primary_color, row.custom_css, row.scoped_css, row.display_name) == (
        False,
        "",
        "",
        "",
        "Aurora",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("primary_color", "red"),
        ("custom_css", "a { position: fixed }"),
        ("display_name", "x" * 81),
        ("secondary_color", ""),
    ],
)
def test_a_brand_that_cannot_be_is_refused_in_place(acme, ana, client_of, field, value):
    response = client_of(acme, user=ana).post("/settings/branding/", BRAND | {"display_name": "Aurora", field: value})

    assert response.status_code == 422
    assert field in response.context["form"].errors
    with schema_context("public"):
        assert branding.of(acme).display_name == ""


def test_the_preview_answers_exact_shades_or_what_is_wrong(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    good = browser.post(
        "/settings/branding/preview/", {"primary_color": "#ffd400", "secondary_color": "#333333", "custom_css": ""}
    ).json()
    bad = browser.post("/settings/branding/preview/", {"primary_color": "#ffd400", "custom_css": "@import 'x';"})

    assert good["shades"]["--brand-primary"] == "#ffd400"
    assert good["repaired"]["light"]
    assert (bad.status_code, list(bad.json()["errors"])) == (200, ["custom_css"])

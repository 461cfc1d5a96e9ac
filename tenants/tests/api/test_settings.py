"""Settings and brand over the API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tenants.models import Tenant
from tenants.services import branding
from tenants.tests.services.test_branding import picture

SETTINGS, BRANDING = "/api/v1/settings/", "/api/v1/settings/branding/"


def upload(body: bytes, name: str = "logo.png") -> dict:
    return {"file": SimpleUploadedFile(name, body, "image/png")}


def put(browser, path: str, data: dict):
    return browser.put(path, encode_multipart(BOUNDARY, data), content_type=MULTIPART_CONTENT)


def test_everybody_of_the_tenant_may_read(acme, client_of):
    browser = client_of(acme, role="viewer")

    assert browser.get(SETTINGS).json() == {
        "name": "Acme", "slug": "acme", "hosts": ["acme.localhost"], "status": "active", "language": "pt-br",
        "time_zone": "America/Sao_Paulo", "currency": "BRL",
    }  # fmt: skip
    shown = browser.get(BRANDING).json()
    assert (shown["primary_color"], shown["effective"]["primary"]) == ("", "#0b6b5d")


@pytest.mark.parametrize("path", [SETTINGS, BRANDING, f"{BRANDING}logo/", f"{BRANDING}favicon/"])
@pytest.mark.parametrize("role", [None, "agent", "viewer", "billing"])
def test_only_managers_may_write(acme, client_of, path, role):
    browser = client_of(acme, role=role)

    answers = {
        method: browser.generic(method, path, "{}", "application/json").status_code
        for method in ("PATCH", "PUT", "DELETE")
    }

    assert set(answers.values()) <= ({401} if role is None else {403})
    assert Tenant.objects.get(pk=acme.pk).name == "Acme"


def test_managers_change_some_and_leave_the_rest(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    changed = browser.patch(
        SETTINGS, {"name": "Padaria Aurora", "time_zone": "America/Manaus"}, "application/json"
    ).json()
    painted = browser.patch(BRANDING, {"primary_color": "#B4532A"}, "application/json").json()

    assert (changed["name"], changed["time_zone"], changed["currency"]) == ("Padaria Aurora", "America/Manaus", "BRL")
    assert (painted["primary_color"], painted["effective"]["display_name"]) == ("#b4532a", "Padaria Aurora")
    assert browser.get(SETTINGS).json()["name"] == "Padaria Aurora"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (SETTINGS, {"name": ""}, "name"),
        (SETTINGS, {"name": "   "}, "name"),
        (SETTINGS, {"name": None}, "name"),
        (SETTINGS, {"name": ["x"]}, "name"),
        (SETTINGS, {"time_zone": "Mars/Base"}, "time_zone"),
        (SETTINGS, {"language": "tlh"}, "language"),
        (SETTINGS, {"currency": "XXX"}, "currency"),
        (SETTINGS, {"status": "deleted"}, "status"),
        (SETTINGS, {"slug": "other"}, "slug"),
        (SETTINGS, {"schema_name": "public"}, "schema_name"),
        (BRANDING, {"primary_color": "red"}, "primary_color"),
        (BRANDING, {"primary_color": 7}, "primary_color"),
        (BRANDING, {"custom_css": "a{position:fixed}"}, "custom_css"),
        (BRANDING, {"scoped_css": "a{color:red}"}, "scoped_css"),
        (BRANDING, {"display_name": "x" * 81}, "display_name"),
    ],
)
def test_what_cannot_be_is_named(acme, ana, client_of, path, body, field):
    response = client_of(acme, user=ana).patch(path, body, "application/json")

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert Tenant.objects.get(pk=acme.pk).name == "Acme"


def test_pictures_come_and_go(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    shown = put(browser, f"{BRANDING}logo/", upload(picture().getvalue())).json()
    icon = put(browser, f"{BRANDING}favicon/", upload(picture().getvalue()))

    assert shown["effective"]["logo_url"].startswith("/brand/logo?v=")
    assert icon.status_code == 200
    assert browser.get(shown["effective"]["logo_url"]).status_code == 200
    assert browser.delete(f"{BRANDING}logo/").status_code == 204
    assert not branding.of(acme).logo
    assert branding.of(acme).favicon


@pytest.mark.parametrize("data", [upload(b"no picture"), upload(b"<svg/>", "x.svg"), upload(b""), {}, {"file": "text"}])
def test_a_picture_that_is_none_is_refused(acme, ana, client_of, data):
    response = put(client_of(acme, user=ana), f"{BRANDING}logo/", data)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] in ("logo", "file")

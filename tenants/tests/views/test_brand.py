"""The brand's files: cached hard, the right brand on each host, in every state of the tenant."""

import pytest
from django.core.files.storage import default_storage
from django.templatetags.static import static

from tenants.models import Tenant
from tenants.queries import hosts
from tenants.services import branding, domains
from tenants.tests.factories import ResellerFactory
from tenants.tests.services.test_branding import picture


def test_the_stylesheet_wears_the_tenants_colours(acme, beta, client_of):
    branding.save(owner=acme, primary_color="#b4532a")

    response = client_of(acme).get("/brand.css")

    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "--brand-primary: #b4532a;" in response.text
    assert "--brand-primary: #0b6b5d;" in client_of(beta).get("/brand.css").text


def test_an_unchanged_stylesheet_is_not_sent_again(acme, client_of, django_assert_num_queries):
    browser = client_of(acme)
    first = browser.get("/brand.css")
    tag = first.headers["ETag"]
    assert tag.startswith('"')

    with django_assert_num_queries(0):
        again = browser.get("/brand.css", headers={"if-none-match": tag})

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert browser.get("/brand.css", headers={"if-none-match": f'"other", W/{tag}'}).status_code == 304
    assert browser.get("/brand.css", headers={"if-none-match": '"other"'}).status_code == 200

    branding.save(owner=acme, primary_color="#b4532a")
    changed = browser.get("/brand.css", headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_an_address_with_its_version_is_kept_for_a_year(acme, client_of):
    browser = client_of(acme)
    version = browser.get("/brand.css").headers["ETag"].strip('"')

    assert browser.get(f"/brand.css?v={version}").headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert browser.get("/brand.css?v=old").headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert "Cookie" not in browser.get("/brand.css").headers.get("Vary", "")


def test_a_resellers_console_wears_its_own(platform, client_of):
    reseller = ResellerFactory(slug="rede")
    domains.open_console(reseller=reseller)
    branding.save(owner=reseller, primary_color="#1f5fbf", logo=picture())
    browser = client_of(platform)

    css = browser.get("/brand.css", headers={"host": "rede.localhost"})
    logo = browser.get("/brand/logo", headers={"host": "rede.localhost"})

    assert "--brand-primary: #1f5fbf;" in css.text
    assert (logo.status_code, logo.headers["Content-Type"]) == (200, "image/png")
    assert "--brand-primary: #0b6b5d;" in browser.get("/brand.css").text


@pytest.mark.parametrize("path", ["/brand/logo", "/brand/favicon.ico"])
def test_pictures_are_the_tenants_or_nobodys(acme, beta, client_of, path):
    assert client_of(acme).get(path).status_code == 404
    branding.save(owner=acme, logo=picture(), favicon=picture())

    response = client_of(acme).get(path)

    assert response.status_code == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert client_of(acme).get(path, headers={"if-none-match": response.headers["ETag"]}).status_code == 304
    assert client_of(beta).get(path).status_code == 404


def test_browsers_that_guess_find_the_icon(acme, beta, platform, client_of):
    branding.save(owner=acme, favicon=picture())
    own = branding.of(acme).favicon.name.rsplit("/", 1)[-1].split(".")[0]

    assert client_of(acme).get("/favicon.ico").headers["Location"] == f"/brand/favicon.ico?v={own}"
    for host in (beta, platform):
        response = client_of(host).get("/favicon.ico")
        assert (response.status_code, response.headers["Location"]) == (302, static("img/mark.svg"))


def test_a_file_that_is_gone_is_404(acme, client_of):
    branding.save(owner=acme, logo=picture())
    default_storage.delete(branding.of(acme).logo.name)

    assert client_of(acme).get("/brand/logo").status_code == 404


@pytest.mark.parametrize("status", ["suspended", "archived", "provisioning"])
def test_the_brand_is_shown_in_every_state(acme, client_of, status):
    Tenant.objects.filter(pk=acme.pk).update(status=status)
    hosts.clear()

    assert client_of(acme).get("/brand.css").status_code == 200

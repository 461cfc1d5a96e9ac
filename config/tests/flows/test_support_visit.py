"""Support in a browser: asks in the console, the owner lets it in, it is seen on every page, and it goes."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone
from django_tenants.utils import tenant_context
from playwright.sync_api import expect

from tenants.models import ImpersonationGrant, Tenant
from tenants.queries import hosts
from tenants.services import resellers

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

PASSWORD = "pão-quente-às-seis"


@pytest.fixture
def rede_sul(stage, settings, acme):
    """The reseller of acme, with one person whose password the web process can read."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    reseller = resellers.create(
        name="Rede Sul",
        slug="redesul",
        owner_email="revenda@redesul.example",
        owner_name="Renata Vidal",
        owner_password=PASSWORD,
        now=timezone.now(),
    )
    Tenant.objects.filter(pk=acme.pk).update(reseller=reseller)
    hosts.forget()
    return reseller


def test_support_asks_is_let_in_is_seen_and_goes(stage, rede_sul, acme, ana, client_of):
    console = stage.page(stage.context())
    console.goto(stage.address("/admin/", tenant="redesul"))
    console.fill("[name=username]", "revenda@redesul.example")
    console.fill("[name=password]", PASSWORD)
    console.press("[name=password]", "Enter")
    console.wait_for_url(re.compile(r"/admin/$"))
    console.goto(stage.address(f"/admin/tenants/tenant/{acme.pk}/support/", tenant="redesul"))
    console.fill("[name=reason]", "The widget does not open")
    console.locator("[name=role][value=agent]").check()
    console.locator("form.console-form button[type=submit]").click()
    console.locator("[data-controller='console/support']").wait_for()

    cookie = client_of(acme, user=ana).cookies[settings.SESSION_COOKIE_NAME]
    profile = stage.context()
    profile.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.address("/")}])
    owner = stage.page(profile)
    owner.goto(stage.address("/settings/support-access/"))
    owner.locator("[name=answer][value=approve]").click()

    # The console's page goes on by itself.
    console.locator("form[action$='/support/enter/'] button").click()
    link = console.locator("a[href*='/support/enter/']").get_attribute("href")
    console.goto(stage.address(urlsplit(link).path))  # the web process of the test answers at a port of its own
    console.locator("form button[type=submit].button-primary").click()
    banner = console.locator(".banner-support")
    expect(banner).to_contain_text("Renata Vidal (Rede Sul)")
    expect(banner.locator("[data-left]")).to_have_text(re.compile(r"^\d{2}:\d{2}$"))
    console.goto(stage.address("/chat/"))
    expect(banner).to_contain_text("The widget does not open")

    banner.locator("button[type=submit]").click()
    console.wait_for_url(re.compile("/support/leave/"))
    console.goto(stage.address("/chat/"))
    console.wait_for_url(re.compile("/login/"))
    with tenant_context(acme):
        assert ImpersonationGrant.objects.get().end == "left"

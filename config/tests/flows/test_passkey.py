"""A passkey in a real browser: made, shown as a second factor, and enough alone."""

import pytest
from django.test import override_settings

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

PASSWORD = "bread before dawn tastes best"


def with_a_fingerprint(page):
    """The browser has a sensor, and somebody who puts the finger on it."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    line.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def press_passkey(page):
    """The button of the form whose module is there."""
    page.locator("form[data-controller='accounts/passkey'][data-ready] button[type=submit]").click()


def log_out(page):
    page.locator("[popovertarget=me-menu]").click()
    page.locator("#me-menu form[action='/logout/'] button").click()
    page.locator("[name=password]").wait_for()


def type_password(page):
    page.fill("[name=email]", "ana@acme.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


def test_from_password_to_passkey(stage, acme, ana):
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"]):
        ana.set_password(PASSWORD)
    ana.save()
    page = stage.page(stage.context())
    with_a_fingerprint(page)
    page.goto(stage.address("/login/?next=/settings/profile/security/passkey/"))
    type_password(page)

    page.fill("[name=name]", "My telephone")
    press_passkey(page)
    page.locator("[data-codes] > li").nth(9).wait_for()
    page.locator("main form button[type=submit]").click()
    page.get_by_text("My telephone").wait_for()

    log_out(page)
    type_password(page)
    page.wait_for_url("**/login/second-factor/")
    press_passkey(page)
    page.wait_for_url(stage.address("/"))

    log_out(page)
    press_passkey(page)
    page.wait_for_url(stage.address("/"))
    ana.refresh_from_db()
    assert list(ana.logins.order_by("created_at").values_list("method", "factor")) == [
        ("password", ""),
        ("password", "webauthn"),
        ("passkey", ""),
    ]

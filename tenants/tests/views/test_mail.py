"""Settings → E-mails: who may, what is shown, what is refused."""

import pytest
from django.conf import settings as django_settings
from django_tenants.utils import tenant_context

from ops.kernel.testing import FakeDNS
from tenants.queries import senders as known
from tenants.services import senders, wording
from tenants.tasks import send_sample

PAGES = [
    "/settings/mail/",
    "/settings/mail/letters/accounts/welcome/",
    "/settings/mail/letters/accounts/welcome/preview/",
]
WORDS = {"subject": "Oi {{name}}", "body": "Entre: {{link}}"}


@pytest.mark.parametrize("role", ["agent", "editor", "viewer", "billing"])
@pytest.mark.parametrize("path", PAGES)
def test_only_managers_come_in(acme, client_of, role, path):
    browser = client_of(acme, role=role)

    assert browser.get(path).status_code == 403
    assert browser.post(path, WORDS).status_code == 403


@pytest.mark.parametrize("path", ["/settings/mail/letters/nothing/", "/settings/mail/letters/../preview/"])
def test_a_letter_that_is_none_is_not_found(acme, client_of, path):
    assert client_of(acme, role="owner").get(path).status_code == 404


def test_from_the_wish_to_the_proof(acme, beta, client_of, settings):
    browser = client_of(acme, role="owner")
    with FakeDNS() as dns:
        settings.DNS_SERVERS = [dns.address]
        assert browser.post("/settings/mail/", {"address": "oi@localhost"}).status_code == 422
        assert browser.post("/settings/mail/", {"address": "oi@aurora.example"}).status_code == 302
        row = senders.of(acme)
        shown = browser.get("/settings/mail/").content.decode()
        assert known.dkim_record(row).value in shown
        dns.on(known.dkim_record(row).host, "TXT", known.dkim_record(row).value)
        dns.on("aurora.example", "TXT", known.spf_record(row).value)
        browser.post("/settings/mail/check/")
        assert senders.of(acme).state == "verified"
        assert "oi@aurora.example</strong>" in browser.get("/settings/mail/").content.decode()

    assert "aurora" not in client_of(beta, role="owner").get("/settings/mail/").content.decode()
    assert client_of(beta, role="owner").post("/settings/mail/check/").status_code == 404
    client_of(beta, role="owner").post("/settings/mail/remove/")
    assert senders.of(acme) is not None
    browser.post("/settings/mail/remove/")
    assert senders.of(acme) is None


def test_a_letter_is_written_looked_at_and_taken_back(acme, client_of, mailoutbox, django_capture_on_commit_callbacks):
    browser = client_of(acme, role="owner")
    page, preview = PAGES[1], PAGES[2]

    assert browser.post(page, {"subject": "x", "body": "no link"}).status_code == 422
    refused = browser.post(preview, {"subject": "x", "body": "no link"})
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
    seen = browser.post(f"{preview}?language=pt-br", WORDS)
    assert "Entre: " in seen.content.decode()
    assert "script-src 'none'" in seen.headers["Content-Security-Policy"]
    assert wording.own(owner=acme) == {}
    assert browser.post(f"{page}?language=pt-br", WORDS).status_code == 302
    assert "Entre: {{link}}" in browser.get(f"{page}?language=pt-br").content.decode()
    with django_capture_on_commit_callbacks() as callbacks:
        browser.post(f"{page}test/?language=pt-br")
    assert len(callbacks) == 1
    with tenant_context(acme):
        send_sample(name="accounts/welcome", to="ana@acme.example", language="pt-br", host="")
    assert mailoutbox[-1].subject == "Oi Bia"
    assert browser.post(f"{page}?language=pt-br", {"reset": "1"}).status_code == 302
    assert wording.own(owner=acme) == {}


@pytest.mark.parametrize("language", [code for code, _label in django_settings.LANGUAGES])
def test_the_preview_speaks_the_letters_language(acme, client_of, language):
    shown = client_of(acme, role="owner").get(f"{PAGES[2]}?language={language}").content.decode()

    assert ("Escolha" in shown) is (language == "pt-br")

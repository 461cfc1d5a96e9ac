"""`/api/v1/settings/mail/…`."""

import pytest

from ops.kernel.testing import FakeDNS
from tenants.queries import senders as known
from tenants.services import senders, wording

SENDER, LETTER = "/api/v1/settings/mail/sender/", "/api/v1/settings/mail/letters/accounts/welcome/pt-br/"


def test_only_managers(acme, client_of):
    browser = client_of(acme, role="agent")

    for path in (SENDER, "/api/v1/settings/mail/letters/", LETTER):
        assert browser.get(path).status_code == 403
    assert browser.put(SENDER, {"address": "a@b.example"}, "application/json").status_code == 403
    assert browser.post(f"{SENDER}check/").status_code == 403


def test_a_sender_from_the_wish_to_the_proof(acme, client_of, settings):
    api = client_of(acme, role="owner")
    assert api.get(SENDER).json()["state"] == ""
    assert api.post(f"{SENDER}check/").status_code == 404
    refused = api.put(SENDER, {"address": "x@localhost"}, "application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "address")

    asked = api.put(SENDER, {"address": "oi@aurora.example"}, "application/json").json()
    with FakeDNS() as dns:
        settings.DNS_SERVERS = [dns.address]
        for record in asked["records"]:
            dns.on(record["host"], record["type"], record["value"])
        checked = api.post(f"{SENDER}check/").json()
        dns.on(known.dkim_record(senders.of(acme)).host, "TXT", fails=True)
        assert api.post(f"{SENDER}check/").status_code == 503

    assert (checked["state"], checked["leaves_from"]) == ("verified", "oi@aurora.example")
    assert "PRIVATE" not in str(checked)
    assert api.delete(SENDER).status_code == 204
    assert senders.of(acme) is None


def test_a_letter_in_ones_own_words(acme, beta, client_of):
    api = client_of(acme, role="owner")
    words = {"subject": "Oi", "body": "Entre: {{link}}"}

    assert api.put(LETTER, words, "application/json").json()["own"] is True
    assert client_of(beta, role="owner").get(LETTER).json()["own"] is False
    assert {row["own"] for row in api.get("/api/v1/settings/mail/letters/").json()} == {True, False}
    assert api.delete(LETTER).status_code == 204
    assert wording.own(owner=acme) == {}


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        (LETTER, {"subject": "x", "body": "no link"}, 422),
        (LETTER, {"subject": "x"}, 422),
        (LETTER, {"subject": "x", "body": "{{link}}", "html": "x"}, 422),
        (LETTER.replace("pt-br", "fr"), {"subject": "x", "body": "{{link}}"}, 404),
        (LETTER.replace("welcome", "none"), {"subject": "x", "body": "{{link}}"}, 404),
    ],
)
def test_what_cannot_be_is_refused(acme, client_of, path, sent, status):
    assert client_of(acme, role="owner").put(path, sent, "application/json").status_code == status

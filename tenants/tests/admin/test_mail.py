"""The reseller's letters in its console."""

import pytest
from django.test import Client
from django_tenants.utils import schema_context

from tenants.accounts.tests.factories import UserFactory
from tenants.enums import ResellerRole
from tenants.models import Reseller, Tenant
from tenants.services import senders, wording
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory

LIST = "/admin/tenants/mailsender/"
LETTER = f"{LIST}letters/accounts/welcome/"
WORDS = {"subject": "Da revenda", "body": "Entre: {{link}}"}


def console(slug: str, role: str = ResellerRole.OWNER) -> tuple[Reseller, Client]:
    """A reseller and the browser of somebody who works there."""
    row = ResellerFactory(name=slug.title(), slug=slug)
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain=f"{slug}.localhost")
    user = UserFactory(email=f"dona@{slug}.example", is_staff=True)
    ResellerMemberFactory(reseller=row, user=user, role=role)
    browser = Client(headers={"host": f"{slug}.localhost"})
    with schema_context("public"):
        browser.force_login(user)
    return row, browser


def test_each_reseller_has_its_own_sender_and_words(db):
    sul, at_sul = console("sul")
    norte, at_norte = console("norte")

    assert at_sul.post(LIST, {"address": "x@localhost"}).status_code == 422
    assert at_sul.post(LIST, {"address": "oi@sul.example"}).status_code == 302
    assert at_sul.post(f"{LETTER}?language=pt-br", {"subject": "x", "body": "y"}).status_code == 422
    assert at_sul.post(f"{LETTER}?language=pt-br", WORDS).status_code == 302

    assert "oi@sul.example" in at_sul.get(LIST).content.decode()
    assert "sul.example" not in at_norte.get(LIST).content.decode()
    assert "Da revenda" in at_sul.get(f"{LETTER}?language=pt-br").content.decode()
    assert "Da revenda" not in at_norte.get(f"{LETTER}?language=pt-br").content.decode()
    assert at_norte.post(f"{LIST}check/").status_code == 404
    at_norte.post(LIST, {"remove": "1"})
    assert senders.of(sul) is not None
    at_norte.post(f"{LETTER}?language=pt-br", {"reset": "1"})
    assert len(wording.own(owner=sul)) == 1
    assert wording.own(owner=norte) == {}
    row = senders.of(sul)
    assert at_norte.get(f"{LIST}{row.pk}/change/").status_code in (302, 404)
    assert at_sul.post(LIST, {"remove": "1"}).status_code == 302
    assert senders.of(sul) is None


def test_the_preview_may_be_framed_by_us_and_runs_nothing(db):
    _sul, browser = console("sul")

    response = browser.post(f"{LETTER}preview/?language=pt-br", WORDS)

    assert "Entre: " in response.content.decode()
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("role", [ResellerRole.SUPPORT, ResellerRole.FINANCE])
def test_who_may_not_paint_may_not_write_letters(db, role):
    _row, browser = console("sul", role)

    for path in (LIST, LETTER, f"{LETTER}preview/"):
        assert browser.get(path).status_code in (302, 403, 404)
    assert browser.post(LETTER, WORDS).status_code in (302, 403, 404)


def test_on_the_platforms_host_there_are_no_resellers_letters(db):
    user = UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)
    browser = Client(headers={"host": "localhost"})
    with schema_context("public"):
        browser.force_login(user)

    assert browser.get(LIST).status_code in (403, 404)
    assert browser.get(LETTER).status_code == 404

"""What a customer's people and visitors see bears the customer's brand: no page, mail or header names the platform or a reseller."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django_tenants.utils import schema_context, tenant_context

from tenants import letterbook
from tenants.services import branding, letters
from tenants.tests.factories import ResellerFactory

# The platform's name in every spelling, and those of two resellers: whose customer one is, is nobody's business either.
FORBIDDEN = re.compile(r"balc[aã]o|zebraverde|onçaparda", re.IGNORECASE)
# An address without an id.
PLAIN = re.compile(r"^[\w./-]*$")


@pytest.fixture
def dressed(acme):
    """A tenant of a reseller, in a brand of its own; another reseller stands beside."""
    with schema_context("public"):
        mine, _other = ResellerFactory(name="ZebraVerde", slug="zebra"), ResellerFactory(name="OnçaParda", slug="onca")
        acme.reseller = mine
        acme.save()
    branding.save(owner=mine, display_name="ZebraVerde", primary_color="#0b6e8a")
    branding.save(owner=acme, display_name="Padaria Aurora", primary_color="#c2410c")
    return acme


def pages() -> Iterator[str]:
    """Every address of a tenant's host that needs no id."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for entry in patterns:
            here = before + str(entry.pattern).replace("^", "").replace("$", "").replace(r"\Z", "")
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, here)
            elif PLAIN.match(here):
                yield f"/{here}"

    return iter(sorted(set(walk(get_resolver(settings.ROOT_URLCONF).url_patterns, ""))))


def said(response) -> str:
    """Head and body."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{response.headers} {body.decode(errors='replace')}"


@pytest.mark.parametrize("language", [code for code, _label in settings.LANGUAGES])
def test_no_page_of_a_customer_names_the_platform_or_a_reseller(dressed, client_of, language):
    owner, stranger = client_of(dressed, role="owner"), client_of(dressed)
    seen, traitors = 0, {}
    for path in pages():
        for browser in (owner, stranger):
            response = browser.get(path, headers={"accept-language": language})
            assert response.status_code < 500, path
            seen += response.status_code == 200
            if found := FORBIDDEN.search(said(response)):
                traitors[path] = found[0]

    assert seen > 100
    assert traitors == {}


def test_failures_bear_the_brand_too(dressed, client_of):
    page = client_of(dressed).get("/nothing/here/")

    assert page.status_code == 404
    assert "Padaria Aurora" in page.content.decode()
    assert not FORBIDDEN.search(said(page))


@pytest.mark.parametrize("language", [code for code, _label in settings.LANGUAGES])
def test_no_letter_does(dressed, language):
    for name in letterbook.letters.keys():  # noqa: SIM118 (a registry yields its items)
        with tenant_context(dressed):
            letter = letters.sample(name, to="bia@correio.example", language=language)
        assert "Padaria Aurora" in letter.from_email
        assert not FORBIDDEN.search(f"{letter.subject} {letter.from_email} {letter.body} {letter.alternatives[0][0]}")

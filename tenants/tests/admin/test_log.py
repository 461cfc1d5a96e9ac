"""The log of a reseller's console and the history of one row."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse, reverse_lazy

from ops.kernel.audit import services as audit
from tenants.accounts.tests.factories import UserFactory
from tenants.models import Tenant
from tenants.services import lifecycle
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory, TenantFactory

PUBLIC = "config.urls_public"
NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
LOG = reverse_lazy("admin:tenants_console_log", urlconf=PUBLIC)


@pytest.fixture
def sul(db):
    reseller = ResellerFactory(name="Rede Sul", slug="sul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=reseller, domain="sul.localhost")
    return reseller


@pytest.fixture
def console(sul):
    user = UserFactory(email="renata@sul.example", is_staff=True, language="en")
    ResellerMemberFactory(reseller=sul, user=user, role="owner")
    client = Client(headers={"host": "sul.localhost"})
    client.force_login(user)
    return client


@pytest.fixture
def bakery(sul):
    tenant = TenantFactory(name="=Padaria", slug="log-padaria", reseller=sul)
    lifecycle.suspend(tenant=tenant, reason="Unpaid bill", by="platform", now=NOON)
    return tenant


def test_the_log_says_what_about_whom_and_why(console, bakery):
    page = console.get(LOG).content.decode()

    assert "Customer suspended" in page
    assert "Unpaid bill" in page
    assert "Nobody can change it." in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "unpaid"}, True),
        ({"q": "something else"}, False),
        ({"group": "team"}, False),
        ({"from": "2026-11-20", "until": "2026-11-20"}, True),
        ({"from": "2026-11-21"}, False),
        ({"until": "2026-11-19"}, False),
        # Days that are none, and pages beyond the end, are as if nothing had been asked.
        ({"from": "31/31/2026", "until": "0001-01-01", "page": "-3", "group": "x"}, True),
        ({"until": "9999-12-31", "q": "\x00unpaid"}, True),
    ],
)
def test_it_is_narrowed_by_words_days_and_kind(console, bakery, query, found):
    answer = console.get(LOG, query)

    assert answer.status_code == 200
    assert ("Unpaid bill" in answer.content.decode()) == found


def test_as_a_file_nothing_in_it_is_a_formula(console, bakery):
    lines = console.get(LOG, {"format": "csv"}).content.decode().splitlines()

    assert lines[0] == "\ufeffWhen,Person,What,About,Detail"
    assert "Customer suspended,'=Padaria,Unpaid bill" in lines[1]


def test_a_long_log_has_pages(console, bakery):
    for number in range(60):
        audit.record(
            "tenants.tenant_resumed",
            by="platform",
            on=bakery,
            detail={"reason": f"no. {number}."},
            now=NOON + timedelta(minutes=number + 1),
        )
    first, second = (console.get(LOG, {"page": page}).content.decode() for page in (1, 2))

    assert "no. 59." in first
    assert "no. 5." not in first
    assert "no. 5." in second
    assert "Unpaid bill" in second


def test_a_customers_history_is_that_of_the_log(console, bakery):
    address = reverse("admin:tenants_tenant_history", args=[bakery.pk], urlconf=PUBLIC)
    page = console.get(address).content.decode()

    assert "History of =Padaria" in page
    assert "Unpaid bill" in page

"""The bell counts what is new to a person; opening the page reads it."""

import pytest
from django_tenants.utils import tenant_context

from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity


@pytest.fixture
def full_disk(acme, noon):
    """An alert of acme."""
    alerts.raise_alert("storage.full", severity=Severity.ERROR, key="storage.full", title="The disk is full", now=noon)


def test_what_is_new_is_counted_until_the_page_was_opened(acme, ana, client_of, full_disk):
    client = client_of(acme, user=ana)
    assert '<span class="count" aria-hidden="true">1</span>' in client.get("/").content.decode()

    page = client.get("/notifications/").content.decode()
    assert "The disk is full" in page

    assert '<span class="count" aria-hidden="true">1</span>' not in client.get("/").content.decode()


def test_reading_is_each_persons_own(acme, ana, client_of, full_disk):
    client_of(acme, user=ana).get("/notifications/")

    other = client_of(acme, role="admin")

    assert '<span class="count" aria-hidden="true">1</span>' in other.get("/").content.decode()


def test_another_tenants_alerts_are_not_there(acme, beta, caio, client_of, full_disk):
    with tenant_context(beta):
        page = client_of(beta, user=caio).get("/notifications/").content.decode()

    assert "The disk is full" not in page


def test_roles_without_alerts_have_no_bell_and_no_page(acme, client_of, full_disk):
    client = client_of(acme, role="viewer")

    assert "/notifications/" not in client.get("/").content.decode()
    assert client.get("/notifications/").status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_asks_the_same_number_of_questions(acme, ana, client_of, noon, rows, django_assert_max_num_queries):
    for number in range(rows):
        alerts.raise_alert("test.kind", severity=Severity.INFO, key=f"k{number}", title=f"Alert {number}", now=noon)
    client = client_of(acme, user=ana)
    client.get("/notifications/")

    with django_assert_max_num_queries(14):
        client.get("/notifications/")

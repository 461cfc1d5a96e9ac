"""Announcements: who reads them, from when until when, and putting them away."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_tenants.utils import schema_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from tenants import errors
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import Audience, ResellerRole
from tenants.models import Announcement, AnnouncementDismissal, Reseller, Tenant
from tenants.queries import hosts
from tenants.services import announcements
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory, TenantFactory


@pytest.fixture
def sul(acme: Tenant) -> Reseller:
    """The reseller of acme."""
    with schema_context("public"):
        row = ResellerFactory(name="Rede Sul", slug="sul")
        Tenant.objects.filter(pk=acme.pk).update(reseller=row)
    acme.refresh_from_db()
    hosts.clear()
    return row


def publish(reseller: Reseller | None, now: Any, **more: Any) -> Announcement:
    words = {
        "title_pt": "Manutenção no domingo",
        "title_en": "Maintenance on Sunday",
        "starts_at": now,
        "ends_at": None,
    }
    return announcements.publish(reseller=reseller, by="rita@sul.example", now=now, **(words | more))


def read(tenant: Tenant, person: Any, now: Any) -> list[str]:
    found = announcements.for_page(tenant=tenant, person_id=person.pk, now=now)
    return [notice.in_language("en")["title"] for notice in found]


def test_customers_of_a_reseller_read_what_it_says_and_nobody_else_does(acme, beta, ana, caio, sul, noon):
    publish(sul, noon)

    assert read(acme, ana, noon) == ["Maintenance on Sunday"]
    assert read(beta, caio, noon) == []
    assert AuditEntry.objects.filter(action="tenants.announcement_published").count() == 0  # not in acme's own log
    with schema_context("public"):
        assert AuditEntry.objects.get(action="tenants.announcement_published").detail["audience"] == "customers"


def test_the_platform_speaks_to_all_customers(acme, beta, ana, caio, sul, noon):
    publish(None, noon)

    assert read(acme, ana, noon) == read(beta, caio, noon) == ["Maintenance on Sunday"]


def test_it_is_on_the_pages_from_its_beginning_until_its_end(acme, ana, sul, noon):
    row = publish(sul, noon, starts_at=noon + timedelta(hours=1), ends_at=noon + timedelta(hours=3))

    assert read(acme, ana, noon) == []
    assert read(acme, ana, noon + timedelta(hours=1)) == ["Maintenance on Sunday"]
    assert read(acme, ana, noon + timedelta(hours=3)) == []
    announcements.finish(announcement=row, by="x", now=noon + timedelta(hours=2))
    assert read(acme, ana, noon + timedelta(hours=2)) == []


def test_plans_and_chosen_customers(acme, ana, sul, noon, monkeypatch):
    other = TenantFactory(reseller=sul)
    publish(sul, noon, audience=Audience.PLANS, plans=["no such plan"])
    assert read(acme, ana, noon) == []
    publish(sul, noon, audience=Audience.SELECTED, tenants=[other])
    assert read(acme, ana, noon) == []
    publish(sul, noon, audience=Audience.SELECTED, tenants=[acme, other], title_en="For you")
    assert read(acme, ana, noon) == ["For you"]


def test_putting_it_away_is_for_one_person(acme, ana, bia, sul, noon):
    row = publish(sul, noon)

    for _ in range(2):
        announcements.dismiss(announcement_id=row.pk, tenant=acme, person_id=ana.pk, now=noon)

    assert read(acme, ana, noon) == []
    assert read(acme, bia, noon) == ["Maintenance on Sunday"]
    assert AnnouncementDismissal.objects.count() == 1


def test_nobody_puts_away_what_is_not_theirs(beta, caio, sul, noon):
    row = publish(sul, noon)

    with pytest.raises(errors.UnknownAnnouncement):
        announcements.dismiss(announcement_id=row.pk, tenant=beta, person_id=caio.pk, now=noon)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title_pt": "", "title_en": ""}, "title_pt"),
        ({"title_pt": "x" * 121}, "title_pt"),
        ({"audience": "everybody"}, "audience"),
        ({"audience": "resellers"}, "audience"),
        ({"audience": "plans"}, "plans"),
        ({"audience": "selected"}, "tenants"),
        ({"tone": "loud"}, "tone"),
    ],
)
def test_what_would_reach_nobody_or_says_nothing_is_refused(sul, noon, wrong, field):
    with pytest.raises(Invalid) as refused:
        publish(sul, noon, **wrong)

    assert [one.field for one in refused.value.errors] == [field]
    assert not Announcement.objects.exists()


def test_a_reseller_speaks_to_no_foreign_customer(beta, sul, noon):
    with pytest.raises(Invalid):
        publish(sul, noon, audience=Audience.SELECTED, tenants=[beta])


def test_the_language_that_is_missing_is_lent_by_the_other(acme, ana, sul, noon):
    publish(sul, noon, title_en="")

    assert read(acme, ana, noon) == ["Manutenção no domingo"]


def test_pages_show_it_and_the_button_puts_it_away(acme, ana, bia, sul, client_of):
    now = timezone.now()
    row = publish(sul, now)
    browser, other = client_of(acme, user=ana), client_of(acme, user=bia)

    assert "Manutenção no domingo" in browser.get("/").content.decode()
    assert browser.post(f"/announcements/{row.pk}/dismiss/").status_code == 302
    assert "Manutenção no domingo" not in browser.get("/").content.decode()
    assert "Manutenção no domingo" in other.get("/").content.decode()
    assert Client(headers={"host": "acme.localhost"}).post(f"/announcements/{row.pk}/dismiss/").status_code == 404


def test_resellers_read_the_platforms_words_in_their_console(acme, sul):
    with schema_context("public"):
        DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=sul, domain="sul.localhost")
        user = UserFactory(email="rita@sul.example", is_staff=True)
        ResellerMemberFactory(reseller=sul, user=user, role=ResellerRole.OWNER)
        browser = Client(headers={"host": "sul.localhost"})
        browser.force_login(user)
    row = publish(None, timezone.now(), audience=Audience.RESELLERS)

    assert "Manutenção no domingo" in browser.get("/admin/").content.decode()
    browser.post(f"/announcements/{row.pk}/dismiss/")
    assert "Manutenção no domingo" not in browser.get("/admin/").content.decode()

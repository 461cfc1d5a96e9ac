"""The log, read by whose it is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from billing.models import Plan
from billing.services import overrides, subscriptions
from billing.tests.factories import SubscriptionFactory
from ops.kernel.audit import services as audit
from tenants.accounts.tests.factories import UserFactory
from tenants.queries import trail
from tenants.services import lifecycle, resellers
from tenants.tests.factories import ResellerFactory, ResellerMemberFactory, TenantFactory

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)


def said(entries):
    with override("en"):
        return [(entry.action, trail.words_of(entry)) for entry in entries.newest_first()]


@pytest.fixture
def sul(db):
    return ResellerFactory(name="Rede Sul", slug="sul")


@pytest.fixture
def renata(sul):
    member = ResellerMemberFactory(reseller=sul, user=UserFactory(email="renata@sul.example"), role="owner")
    return member.user


@pytest.fixture
def bakery(sul):
    tenant = TenantFactory(name="Padaria", slug="log-padaria", reseller=sul)
    SubscriptionFactory(tenant=tenant, plan=Plan.objects.get(slug="starter"), starts_at=NOON - timedelta(days=9))
    return tenant


def test_a_reseller_reads_what_was_done_to_its_customers_and_what_its_team_did(sul, renata, bakery):
    stranger = TenantFactory(name="Elsewhere", slug="log-elsewhere", reseller=ResellerFactory(slug="norte"))
    lifecycle.suspend(tenant=bakery, reason="Unpaid", by=renata, now=NOON)
    lifecycle.suspend(tenant=stranger, reason="Not theirs to read", by="platform", now=NOON)
    subscriptions.change_plan(tenant=bakery, plan="professional", by="platform", now=NOON + timedelta(minutes=1))
    audit.record("accounts.login", by=renata, on=renata, now=NOON + timedelta(minutes=2))

    assert said(trail.of_reseller(sul)) == [
        ("accounts.login", ""),
        ("billing.plan_changed", "starter → professional"),
        ("tenants.tenant_suspended", "Unpaid"),
    ]


def test_somebody_who_left_the_team_stays_in_its_log(sul, renata):
    member = resellers.add_member(
        reseller=sul, email="bia@sul.example", role="support", password="a long password", by=renata, now=NOON
    )
    resellers.set_member_role(member=member, role="finance", by=renata, now=NOON + timedelta(minutes=1))
    resellers.remove_member(member=member, by="platform", now=NOON + timedelta(minutes=2))

    about_bia = [line for line in said(trail.of_reseller(sul)) if line[0].startswith("tenants.member_")]
    assert about_bia == [
        ("tenants.member_removed", "bia@sul.example"),
        ("tenants.member_role_changed", "bia@sul.example · Support → Finance"),
        ("tenants.member_added", "bia@sul.example"),
    ]


def test_a_customers_history_has_its_plan_and_its_exceptions_in_words(sul, renata, bakery):
    overrides.put(
        level="reseller",
        tenant=bakery,
        reseller=sul,
        subject="limit",
        key="chat.agents",
        value=2,
        reason="Small team",
        until=None,
        by=renata,
        now=NOON,
    )
    subscriptions.change_plan(tenant=bakery, plan="business", by=renata, now=NOON + timedelta(minutes=1))

    assert said(trail.of_tenant(bakery)) == [
        ("billing.plan_changed", "starter → business"),
        ("billing.exception_set", "Agents: 2 · Small team"),
    ]


def test_the_log_is_searched_by_the_words_it_is_read_in(sul, renata, bakery):
    lifecycle.suspend(tenant=bakery, reason="Unpaid", by=renata, now=NOON)
    entries = trail.of_reseller(sul)

    with override("en"):
        found = [trail.search(entries, text).count() for text in ("suspended", "UNPAID", "renata@", "  ", "nobody")]
    assert found == [1, 1, 1, 1, 0]


def test_the_parts_of_the_log_leave_nothing_out(sul, renata, bakery):
    lifecycle.suspend(tenant=bakery, reason="Unpaid", by=renata, now=NOON)
    audit.record("accounts.login", by=renata, on=renata, now=NOON)
    resellers.switch(reseller=sul, is_active=False, by="platform", now=NOON)
    entries = trail.of_reseller(sul)

    parts = [{row.pk for row in trail.in_group(entries, name)} for name in ("customers", "team", "company")]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert set.union(*parts) == {row.pk for row in entries}

"""What a person of the console may see, and what the dashboard counts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from ops.kernel.audit.tests.factories import AuditEntryFactory
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import JobState, ResellerRole, TenantStatus
from tenants.models import Reseller, Tenant
from tenants.queries import portfolio
from tenants.queries.portfolio import Scope, ScopeRefused
from tenants.tests.factories import (
    DomainClaimFactory,
    DomainFactory,
    MailSenderFactory,
    ResellerFactory,
    ResellerMemberFactory,
    TenantFactory,
    TenantJobFactory,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday


@pytest.fixture
def sul(db: None) -> Reseller:
    return ResellerFactory(slug="sul")


@pytest.fixture
def norte(db: None) -> Reseller:
    return ResellerFactory(slug="norte")


def mine(reseller: Reseller) -> Scope:
    return Scope(reseller=reseller, is_platform=False)


def test_addresses_and_senders_that_are_lost_need_attention(sul, norte):
    mine_claim = DomainClaimFactory(tenant=TenantFactory(reseller=sul), host="chat.a.example", state="failing")
    console = DomainClaimFactory(
        tenant=Tenant.objects.get(schema_name="public"), reseller=sul, host="app.b.example", state="lost"
    )
    DomainClaimFactory(tenant=TenantFactory(reseller=sul), host="chat.c.example", state="verified")
    DomainClaimFactory(tenant=TenantFactory(reseller=norte), host="chat.d.example", state="lost")
    sender = MailSenderFactory(tenant=mine_claim.tenant, reseller=None, address="oi@a.example", state="lost")
    MailSenderFactory(tenant=None, reseller=norte, address="oi@d.example", state="lost")

    assert set(portfolio.addresses_in_trouble(mine(sul), limit=5)) == {mine_claim, console}
    assert list(portfolio.senders_in_trouble(mine(sul), limit=5)) == [sender]
    assert len(portfolio.addresses_in_trouble(Scope(reseller=None, is_platform=True), limit=5)) == 3


def test_a_member_sees_its_reseller_at_home_and_on_the_platform(sul, norte):
    owner = ResellerMemberFactory(reseller=sul, role=ResellerRole.OWNER)
    staff = ResellerMemberFactory(reseller=sul, role=ResellerRole.SUPPORT)

    assert portfolio.scope_of(user=owner.user, host=sul) == Scope(reseller=sul, is_platform=False, role="owner")
    assert portfolio.scope_of(user=staff.user, host=None) == Scope(reseller=sul, is_platform=False, role="support")
    with pytest.raises(ScopeRefused) as refused:
        portfolio.scope_of(user=owner.user, host=norte)
    assert refused.value.member == owner


def test_platform_staff_see_all_or_the_host(sul):
    admin = UserFactory(is_superuser=True)

    assert portfolio.scope_of(user=admin, host=None).sees_everything
    assert portfolio.scope_of(user=admin, host=sul).reseller == sul


@pytest.mark.parametrize("change", ["inactive person", "closed reseller", "no membership", "nobody"])
def test_everybody_else_sees_nothing(sul, change):
    member = ResellerMemberFactory(reseller=sul)
    user = member.user
    if change == "inactive person":
        user.is_active = False
    elif change == "closed reseller":
        Reseller.objects.filter(pk=sul.pk).update(is_active=False)
    elif change == "no membership":
        member.delete()
    else:
        user = AnonymousUser()

    with pytest.raises(ScopeRefused):
        portfolio.scope_of(user=user, host=sul)


def test_customers_are_counted_by_state(sul, norte):
    for status in (TenantStatus.ACTIVE, TenantStatus.ACTIVE, TenantStatus.SUSPENDED, TenantStatus.DELETED):
        TenantFactory(reseller=sul, status=status)
    TenantFactory(reseller=norte)

    assert portfolio.by_state(mine(sul)) == {"active": 2, "suspended": 1}


def test_new_customers_are_counted_by_week_with_empty_weeks(sul):
    for days in (0, 1, 9, 400):
        tenant = TenantFactory(reseller=sul)
        Tenant.objects.filter(pk=tenant.pk).update(created_at=NOW - timedelta(days=days))

    weeks = portfolio.new_per_week(mine(sul), weeks=3, now=NOW)

    assert [(week.date().isoformat(), count) for week, count in weeks] == [
        ("2026-11-02", 0),
        ("2026-11-09", 1),
        ("2026-11-16", 2),
    ]


def test_what_needs_somebody_is_of_the_own_house(sul, norte):
    failed = TenantJobFactory(tenant=TenantFactory(reseller=sul), state=JobState.FAILED)
    TenantJobFactory(tenant=TenantFactory(reseller=norte), state=JobState.FAILED)
    stopped = TenantFactory(reseller=sul, status=TenantStatus.SUSPENDED, suspended_at=NOW)
    TenantFactory(reseller=norte, status=TenantStatus.SUSPENDED, suspended_at=NOW)

    assert portfolio.jobs_that_failed(mine(sul), limit=5) == [failed]
    assert portfolio.suspended(mine(sul), limit=5) == [stopped]


def test_activity_is_of_customers_in_sight(sul, norte):
    for reseller in (sul, norte):
        tenant = TenantFactory(reseller=reseller)
        AuditEntryFactory(object_type="tenants.tenant", object_id=str(tenant.pk), object_label=reseller.slug)

    assert [entry.object_label for entry in portfolio.activity(mine(sul), limit=5)] == ["sul"]
    everything = Scope(reseller=None, is_platform=True)
    assert {entry.object_label for entry in portfolio.activity(everything, limit=5)} >= {"sul", "norte"}


def test_search_looks_at_names_addresses_and_hosts(sul, norte):
    bakery = TenantFactory(name="Padaria Aurora", slug="aurora", reseller=sul)
    DomainFactory(tenant=bakery, domain="paes.example")
    TenantFactory(name="Padaria Norte", reseller=norte)

    for text in ("padaria", "AURORA", "paes.exam"):
        assert list(portfolio.search(mine(sul), text)) == [bakery]

"""What a plan allows, counted where it is used."""

from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection
from django_tenants.utils import tenant_context

from billing import entitlements
from billing.errors import PlanLimitReached
from billing.services import subscriptions
from billing.tests.factories import PlanFactory, SubscriptionFactory
from ops.kernel.metering import services as metering
from ops.kernel.registry import Gauge, gauges
from ops.kernel.testing import PATIENCE_S
from tenants.accounts.models import Role, User
from tenants.accounts.services import users
from tenants.accounts.tests.factories import UserFactory

PASSWORD = "a quite long password"


@pytest.fixture
def small(acme):
    """Acme on a plan of two agents and ten conversations a month."""
    return SubscriptionFactory(tenant=acme, plan=PlanFactory(slug="small", order=0))


def add_agent(ana, noon, number):
    return users.create(email=f"agent{number}@acme.example", role="agent", password=PASSWORD, by=ana, now=noon)


def test_the_first_owner_is_free_and_the_plan_counts_the_others(small, ana, noon):
    assert entitlements.check("chat.agents").used == 0
    add_agent(ana, noon, 1)
    add_agent(ana, noon, 2)

    with pytest.raises(PlanLimitReached) as refusal:
        add_agent(ana, noon, 3)

    assert (refusal.value.status, refusal.value.code) == (402, "limit_reached")
    assert refusal.value.params["limit"] == 2
    assert refusal.value.upgrade_plan == "starter"
    assert User.objects.filter(email__startswith="agent").count() == 2


def test_roles_that_answer_nobody_take_no_seat(small, ana, noon):
    add_agent(ana, noon, 1)
    add_agent(ana, noon, 2)

    viewer = users.create(email="vera@acme.example", role="viewer", password=PASSWORD, by=ana, now=noon)

    with pytest.raises(PlanLimitReached):
        users.set_role(user=viewer, role="agent", by=ana, now=noon)
    viewer.refresh_from_db()
    assert viewer.role.slug == "viewer"


def test_a_seat_is_free_again_after_a_deactivation(small, ana, noon):
    first = add_agent(ana, noon, 1)
    add_agent(ana, noon, 2)

    users.deactivate(user=first, by=ana, now=noon)
    third = add_agent(ana, noon, 3)

    with pytest.raises(PlanLimitReached):
        users.activate(user=first, by=ana, now=noon)
    assert third.is_active
    first.refresh_from_db()
    assert not first.is_active


def test_meters_count_the_month_and_start_again(small, noon):
    metering.record("chat.conversations", event_id="conversation:1", quantity=9, now=noon)

    decision = entitlements.check("chat.conversations_month", now=noon)
    assert (decision.allowed, decision.used, decision.remaining, decision.share) == (True, 9, 1, 90)
    assert decision.reset_at.isoformat() == "2026-12-01T00:00:00-03:00"

    refused = entitlements.check("chat.conversations_month", amount=2, now=noon)
    assert (refused.allowed, refused.reason) == (False, "limit_reached")
    assert entitlements.check("chat.conversations_month", amount=2, now=noon.replace(month=12, day=2)).allowed


def test_parts_of_a_gauge_are_added_up(small, acme):
    for part, count in (("storage.bytes:chat-test", 5), ("storage.bytes:brand-test", 7)):
        gauges.register(part, Gauge("test", lambda count=count: count))
    try:
        assert entitlements.used("storage.bytes") >= 12
    finally:
        gauges.unregister("storage.bytes:chat-test")
        gauges.unregister("storage.bytes:brand-test")


def test_what_was_agreed_beyond_the_plan_wins(acme):
    plan = PlanFactory()
    SubscriptionFactory(tenant=acme, plan=plan, limits={"chat.agents": 50, "chat.conversations_month": None})

    assert entitlements.limit_of("chat.agents") == 50
    assert entitlements.check("chat.conversations_month", amount=10**9).allowed


def test_without_a_subscription_the_smallest_plan_binds(acme):
    assert entitlements.terms().plan == "starter"
    assert not entitlements.terms().is_subscribed
    assert entitlements.limit_of("chat.agents") == 3


def test_the_platform_has_no_limits(platform):
    with tenant_context(platform):
        assert entitlements.check("chat.agents", amount=10**6).allowed
        assert entitlements.flag("videoCall")


def test_features_come_from_the_plan(small):
    assert entitlements.flag("fileUpload")
    assert not entitlements.flag("videoCall")
    assert not entitlements.flag("noSuchFeature")


def test_a_misspelt_key_is_an_error_and_not_unlimited(small):
    with pytest.raises(entitlements.UnknownEntitlement):
        entitlements.check("chat.agent")
    with pytest.raises(entitlements.UnknownEntitlement):
        entitlements.require("chat.agent")


def test_one_tenant_s_use_and_plan_say_nothing_about_another_s(small, ana, noon, beta):
    add_agent(ana, noon, 1)
    metering.record("chat.conversations", event_id="conversation:1", now=noon)

    with tenant_context(beta):
        assert entitlements.terms().plan == "starter"
        assert entitlements.check("chat.agents").used == 0
        assert entitlements.check("chat.conversations_month", now=noon).used == 0
    assert entitlements.used("chat.conversations_month", tenant=beta, now=noon) == 0
    assert entitlements.limit_of("chat.agents", tenant=beta) == 3
    assert entitlements.limit_of("chat.agents") == 2


def test_a_changed_plan_is_in_force_at_once(small, acme, noon):
    assert entitlements.limit_of("chat.agents") == 2

    subscriptions.change_plan(tenant=acme, plan="business", now=noon)

    assert entitlements.limit_of("chat.agents") == 25


def test_the_plan_is_read_once_in_five_seconds(small, django_assert_num_queries):
    entitlements.limit_of("chat.agents")

    with django_assert_num_queries(0):
        assert entitlements.limit_of("chat.conversations_month") == 10
        assert entitlements.flag("fileUpload")


@pytest.fixture
def unreadable(monkeypatch):
    """A database that does not answer."""

    def fail(*_args, **_fields):
        raise DatabaseError("gone")

    monkeypatch.setattr(entitlements, "_read_terms", fail)


def test_looking_fails_open_and_spending_fails_closed(acme, unreadable):
    decision = entitlements.check("chat.agents")

    assert (decision.allowed, decision.reason) == (True, "unknown")
    assert entitlements.flag("videoCall") is False
    with pytest.raises(DatabaseError):
        entitlements.require("chat.agents")


def test_the_largest_plan_has_nothing_above_it(acme, ana):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(order=999, limits={"chat.agents": 0}))
    UserFactory(role=Role.objects.get(slug="agent"))

    decision = entitlements.check("chat.agents")

    assert (decision.allowed, decision.limit, decision.used, decision.remaining) == (False, 0, 1, 0)
    assert (decision.upgrade_plan, decision.share) == (None, 100)


@pytest.mark.transactional
def test_two_administrators_at_once_do_not_share_the_last_seat(acme, noon):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"chat.agents": 1}))
    ana = UserFactory(role=Role.objects.get(slug="owner"))
    together, outcomes = Barrier(2), []

    def add(number):
        try:
            with tenant_context(acme):
                together.wait(PATIENCE_S)
                try:
                    add_agent(ana, noon, number)
                    outcomes.append("added")
                except PlanLimitReached:
                    outcomes.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=add, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert sorted(outcomes) == ["added", "refused"]
    assert User.objects.with_role("agent").count() == 1

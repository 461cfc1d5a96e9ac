"""Decisions beside the plans: who may go how far, what holds afterwards, and what the log says."""

from datetime import timedelta

import pytest
from django_tenants.utils import schema_context, tenant_context

from billing import entitlements, errors
from billing.enums import Level, Subject
from billing.models import Override
from billing.services import overrides
from billing.tests.factories import SubscriptionFactory
from ops.kernel.audit.models import AuditEntry
from tenants.models import Tenant
from tenants.tests.factories import ResellerFactory

F, L = Subject.FEATURE, Subject.LIMIT


@pytest.fixture
def sold(acme):
    """acme is sold by a reseller: 2 agents, files, no video."""
    acme.reseller = ResellerFactory(name="Rede")
    with schema_context("public"):
        acme.save()
        SubscriptionFactory(tenant=acme)
    return acme


@pytest.fixture
def decide(sold, noon):
    def put(level, subject, key, value, *, tenant=None, reseller=None, **more):
        return overrides.put(
            level=level, subject=subject, key=key, value=value, tenant=tenant, reseller=reseller, by="test", now=noon, **more
        )  # fmt: skip

    return put


def test_a_decision_holds_at_once_and_is_taken_back(sold, decide, noon):
    assert not entitlements.flag("videoCall")
    assert entitlements.limit_of("chat.agents") == 2

    row = decide(Level.PLATFORM, F, "videoCall", True, tenant=sold)
    decide(Level.RESELLER, L, "chat.agents", 1, tenant=sold)

    assert entitlements.flag("videoCall")
    assert entitlements.limit_of("chat.agents") == 1
    assert entitlements.terms().sources["chat.agents"] == "reseller"
    overrides.take_back(override=row, by="test", now=noon)
    assert not entitlements.flag("videoCall")


def test_for_all_customers_of_a_reseller_and_nobody_else(sold, beta, decide):
    decide(Level.RESELLER, F, "fileUpload", False, reseller=sold.reseller)

    assert not entitlements.flag("fileUpload")
    with tenant_context(beta):
        assert entitlements.flag("fileUpload")


def test_the_word_about_one_customer_is_nearer_than_the_word_about_all(sold, decide):
    decide(Level.RESELLER, L, "chat.agents", 2, tenant=sold)
    decide(Level.PLATFORM, L, "chat.agents", 50, reseller=sold.reseller)
    decide(Level.RESELLER, L, "chat.agents", 1, reseller=sold.reseller)

    assert entitlements.limit_of("chat.agents") == 2


def test_a_reseller_raises_only_as_far_as_the_platform_lets_it(sold, decide):
    with pytest.raises(errors.RaisedTooFar) as refused:
        decide(Level.RESELLER, L, "chat.agents", 5, tenant=sold)
    assert "2" in str(refused.value)
    allowance = decide(Level.PLATFORM, L, "chat.agents", 5, reseller=sold.reseller)
    decide(Level.RESELLER, L, "chat.agents", 5, tenant=sold)
    assert entitlements.limit_of("chat.agents") == 5
    with pytest.raises(errors.RaisedTooFar):
        decide(Level.RESELLER, L, "chat.agents", None, tenant=sold)

    overrides.take_back(override=allowance, by="test", now=allowance.set_at)

    assert entitlements.limit_of("chat.agents") == 2  # what rested on it falls with it


def test_a_reseller_switches_on_only_what_it_may(sold, decide):
    with pytest.raises(errors.OnlyThePlatform):
        decide(Level.RESELLER, F, "videoCall", True, tenant=sold)
    with pytest.raises(errors.OnlyThePlatform):
        decide(Level.RESELLER, F, "videoCall", True, reseller=sold.reseller)
    decide(Level.PLATFORM, F, "videoCall", True, reseller=sold.reseller)

    decide(Level.RESELLER, F, "videoCall", True, tenant=sold)

    assert entitlements.flag("videoCall")


def test_a_reseller_decides_nothing_for_the_customer_of_another(sold, beta, decide):
    for tenant in (beta, Tenant(pk=sold.pk, reseller=ResellerFactory())):
        with pytest.raises(errors.OnlyThePlatform):
            overrides.put(
                level=Level.RESELLER, subject=L, key="chat.agents", value=0, tenant=tenant,
                reseller=sold.reseller, by="test", now=sold.created_at,
            )  # fmt: skip

    assert not Override.objects.exists()


def test_a_customer_that_moves_leaves_the_old_resellers_decisions_behind(sold, decide):
    decide(Level.RESELLER, F, "fileUpload", False, tenant=sold)
    assert not entitlements.flag("fileUpload")
    sold.reseller = ResellerFactory()
    with schema_context("public"):
        sold.save()
    entitlements.forget(sold)

    assert entitlements.flag("fileUpload")


def test_a_tenant_switches_off_what_it_has_and_on_again(sold, ana, noon):
    overrides.switch(tenant=sold, name="fileUpload", is_on=False, by=ana, now=noon)
    assert not entitlements.flag("fileUpload")
    with pytest.raises(errors.NothingToSwitchOff):
        overrides.switch(tenant=sold, name="videoCall", is_on=False, by=ana, now=noon)

    overrides.switch(tenant=sold, name="fileUpload", is_on=True, by=ana, now=noon)
    overrides.switch(tenant=sold, name="videoCall", is_on=True, by=ana, now=noon)

    assert entitlements.flag("fileUpload")
    assert not entitlements.flag("videoCall")  # on is what the plan allows, and no more


def test_a_decision_ends_on_its_day(sold, decide, noon, time_machine):
    time_machine.move_to(noon, tick=False)
    decide(Level.PLATFORM, F, "videoCall", True, tenant=sold, until=noon + timedelta(days=3))
    assert entitlements.flag("videoCall")

    time_machine.move_to(noon + timedelta(days=3, seconds=1), tick=False)
    entitlements.forget(sold)

    assert not entitlements.flag("videoCall")
    with pytest.raises(errors.UntilIsPast):
        decide(Level.PLATFORM, F, "videoCall", True, tenant=sold, until=noon)


def test_every_decision_stays_with_its_version_and_is_in_both_logs(sold, decide, noon):
    decide(Level.PLATFORM, L, "chat.agents", 5, tenant=sold, reason="trial of a team")
    decide(Level.PLATFORM, L, "chat.agents", 7, tenant=sold)

    rows = Override.objects.order_by("version")
    assert [(row.version, row.value, row.ended_at) for row in rows] == [(1, 5, noon), (2, 7, None)]
    mine = AuditEntry.objects.filter(action="billing.exception_set").order_by("pk").first()
    assert (mine.detail["value"], mine.detail["reason"]) == (5, "trial of a team")
    with schema_context("public"):
        assert AuditEntry.objects.filter(action="billing.exception_set", object_id=str(sold.pk)).count() == 2


def test_two_people_do_not_overwrite_each_other(sold, decide):
    decide(Level.PLATFORM, L, "chat.agents", 5, tenant=sold, seen_version=0)
    with pytest.raises(errors.ExceptionChanged):
        decide(Level.PLATFORM, L, "chat.agents", 9, tenant=sold, seen_version=0)

    decide(Level.PLATFORM, L, "chat.agents", 9, tenant=sold, seen_version=1)

    assert entitlements.limit_of("chat.agents") == 9


@pytest.mark.parametrize(
    ("subject", "key", "value"),
    [(F, "flying", True), (L, "chat.wings", 3), (F, "videoCall", 3), (L, "chat.agents", True)],
)
def test_what_does_not_exist_or_fit_is_refused(sold, decide, subject, key, value):
    with pytest.raises(errors.UnknownFeature):
        decide(Level.PLATFORM, subject, key, value, tenant=sold)


def test_the_refusal_says_who_set_the_limit_and_what_to_do(sold, decide):
    with pytest.raises(errors.PlanLimitReached) as by_plan:
        entitlements.require("chat.agents", 3)
    decide(Level.RESELLER, L, "chat.agents", 1, tenant=sold)
    with pytest.raises(errors.PlanLimitReached) as by_provider:
        entitlements.require("chat.agents", 3)

    assert "2" in str(by_plan.value)
    assert str(by_provider.value) != str(by_plan.value)
    assert by_provider.value.params["source"] == "reseller"

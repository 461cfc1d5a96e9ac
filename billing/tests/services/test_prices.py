"""Prices: retail never below wholesale, decided for a day, never changed afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing import errors
from billing.enums import PriceKind
from billing.models import Plan, PlanPrice
from billing.queries import prices as board
from billing.services import prices
from billing.tests.factories import PlanFactory, PlanPriceFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.money import Money
from tenants.models import Reseller
from tenants.tests.factories import ResellerFactory


@pytest.fixture
def plan(db: None) -> Plan:
    return PlanFactory(name="Counter")


@pytest.fixture
def sul(db: None) -> Reseller:
    return ResellerFactory(slug="sul")


def reais(amount: str) -> Money:
    return Money.of(amount, "BRL")


def decide(plan: Plan, kind: PriceKind, amount: str, now: Any, **more: Any) -> PlanPrice:
    return prices.set_price(plan=plan, kind=kind, amount=reais(amount), now=now, **more)


def sold(plan: Plan, reseller: Reseller | None, now: Any) -> Money | None:
    return board.for_sale(reseller=reseller, now=now).get(plan.pk)


def test_a_reseller_sells_above_wholesale_and_never_below(plan, sul, noon):
    decide(plan, PriceKind.WHOLESALE, "100", noon)

    with pytest.raises(errors.BelowWholesale) as refused:
        decide(plan, PriceKind.RETAIL, "99.99", noon, reseller=sul)
    assert "R$ 100,00" in str(refused.value)
    decide(plan, PriceKind.RETAIL, "100", noon, reseller=sul)

    assert sold(plan, sul, noon) == reais("100")
    entry = AuditEntry.objects.get(action="billing.price_set", detail__kind="retail")
    assert (entry.detail["reseller"], entry.detail["amount"]) == ("sul", "100.00")


def test_the_database_itself_refuses_to_sell_below_wholesale(plan, sul):
    with pytest.raises(IntegrityError), transaction.atomic():
        PlanPriceFactory(plan=plan, kind=PriceKind.RETAIL, reseller=sul, amount_cents=99, floor_cents=100)
    with pytest.raises(IntegrityError), transaction.atomic():
        PlanPriceFactory(plan=plan, kind=PriceKind.RETAIL, reseller=sul, amount_cents=99, floor_cents=None)


def test_nobody_sells_what_has_no_wholesale_price(plan, sul, noon):
    with pytest.raises(errors.NoWholesale):
        decide(plan, PriceKind.RETAIL, "100", noon, reseller=sul)


def test_a_price_holds_from_its_day_and_the_one_before_until_then(plan, sul, noon):
    later = noon + timedelta(days=10)
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    decide(plan, PriceKind.RETAIL, "150", noon, reseller=sul)
    decide(plan, PriceKind.RETAIL, "180", noon, reseller=sul, starts_at=later)

    assert sold(plan, sul, later - timedelta(seconds=1)) == reais("150")
    assert sold(plan, sul, later) == reais("180")
    assert [price.amount_cents for price in board.history(plan, PriceKind.RETAIL, sul)] == [18_000, 15_000]


def test_a_price_is_judged_by_wholesale_to_come(plan, sul, noon):
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    decide(plan, PriceKind.WHOLESALE, "200", noon, starts_at=noon + timedelta(days=30))

    with pytest.raises(errors.BelowWholesale):
        decide(plan, PriceKind.RETAIL, "150", noon, reseller=sul)


def test_wholesale_that_rises_later_lifts_the_price(plan, sul, noon):
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    decide(plan, PriceKind.RETAIL, "120", noon, reseller=sul)
    later = noon + timedelta(days=5)

    decide(plan, PriceKind.WHOLESALE, "130", later)

    assert sold(plan, sul, later) == reais("130")
    assert board.board(resellers=[sul.pk]).is_lifted(plan.pk, later, sul.pk)


def test_without_an_own_price_the_list_price_is_shown(plan, sul, noon):
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    decide(plan, PriceKind.LIST, "197", noon)

    assert sold(plan, sul, noon) == sold(plan, None, noon) == reais("197")


def test_the_platform_does_not_undersell_its_resellers(plan, noon):
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    with pytest.raises(errors.BelowWholesale):
        decide(plan, PriceKind.LIST, "90", noon)
    decide(plan, PriceKind.LIST, "197", noon)
    with pytest.raises(errors.AboveListed):
        decide(plan, PriceKind.WHOLESALE, "198", noon)


def test_one_resellers_price_is_nothing_to_another(plan, sul, noon):
    norte = ResellerFactory(slug="norte")
    decide(plan, PriceKind.WHOLESALE, "100", noon)
    decide(plan, PriceKind.RETAIL, "150", noon, reseller=sul)

    assert sold(plan, norte, noon) is None
    assert plan.pk not in board.for_sale(reseller=norte, now=noon)


@pytest.mark.parametrize("days", [-2, 400])
def test_prices_are_not_changed_backwards_nor_for_ever(plan, noon, days):
    with pytest.raises(errors.BadPriceStart):
        decide(plan, PriceKind.WHOLESALE, "100", noon, starts_at=noon + timedelta(days=days))


def test_what_has_begun_stays_and_what_is_to_come_may_go(plan, noon):
    begun = decide(plan, PriceKind.WHOLESALE, "100", noon)
    coming = decide(plan, PriceKind.WHOLESALE, "110", noon, starts_at=noon + timedelta(days=3))

    with pytest.raises(errors.PriceHasBegun):
        prices.cancel(price=begun, by="x", now=noon)
    prices.cancel(price=coming, by="x", now=noon)

    assert list(PlanPrice.objects.all()) == [begun]

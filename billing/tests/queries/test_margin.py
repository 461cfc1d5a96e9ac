"""Margins: retail minus wholesale of what was in force at the end of each month."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.enums import PriceKind, SubscriptionStatus
from billing.models import Plan
from billing.queries import margin
from billing.tests.factories import PlanFactory, PlanPriceFactory, SubscriptionFactory
from ops.kernel.money import Money
from tenants.models import Reseller
from tenants.queries.portfolio import Scope
from tenants.tests.factories import ResellerFactory, TenantFactory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def sul(db: None) -> Reseller:
    return ResellerFactory(slug="sul")


@pytest.fixture
def plan(sul: Reseller) -> Plan:
    """Wholesale 100 all the year; retail 150, and 180 since the middle of October."""
    made = PlanFactory(name="Counter")
    PlanPriceFactory(plan=made, kind=PriceKind.WHOLESALE, amount_cents=10_000, starts_at=LONG_AGO)
    for cents, day in ((15_000, LONG_AGO), (18_000, datetime(2026, 10, 15, tzinfo=UTC))):
        PlanPriceFactory(
            plan=made, kind=PriceKind.RETAIL, reseller=sul, amount_cents=cents, floor_cents=10_000, starts_at=day
        )
    return made


def test_each_month_counts_with_what_was_in_force_at_its_end(sul, plan):
    SubscriptionFactory(tenant=TenantFactory(reseller=sul), plan=plan, starts_at=datetime(2026, 9, 10, tzinfo=UTC))
    SubscriptionFactory(
        tenant=TenantFactory(reseller=sul),
        plan=plan,
        starts_at=datetime(2026, 10, 2, tzinfo=UTC),
        ends_at=datetime(2026, 11, 5, tzinfo=UTC),
    )

    report = margin.report(Scope(reseller=sul, is_platform=False), now=NOW, months=4)

    assert [(month.first.month, month.customers, month.margin.cents) for month in report.months] == [
        (8, 0, 0),
        (9, 1, 5_000),
        (10, 2, 16_000),
        (11, 1, 8_000),
    ]
    assert [(line.retail, line.margin, line.share) for line in report.lines] == [
        (Money(18_000, "BRL"), Money(8_000, "BRL"), 44)
    ]


def test_who_does_not_pay_and_what_has_no_price_counts_nothing_and_is_said(sul, plan):
    SubscriptionFactory(tenant=TenantFactory(reseller=sul), plan=plan, status=SubscriptionStatus.TRIALING)
    SubscriptionFactory(tenant=TenantFactory(reseller=sul), plan=PlanFactory())

    now = margin.report(Scope(reseller=sul, is_platform=False), now=NOW).now

    assert (now.customers, now.unpriced, now.margin.cents) == (1, 1, 0)


def test_another_resellers_customers_are_not_in_it(sul, plan):
    SubscriptionFactory(tenant=TenantFactory(reseller=ResellerFactory(slug="norte")), plan=plan)

    report = margin.report(Scope(reseller=sul, is_platform=False), now=NOW)

    assert (list(report.lines), report.now.customers) == ([], 0)


def test_the_report_asks_twice_whatever_the_number(sul, plan):
    for _ in range(3):
        SubscriptionFactory(tenant=TenantFactory(reseller=sul), plan=plan)

    with CaptureQueriesContext(connection) as asked:
        margin.report(Scope(reseller=sul, is_platform=False), now=NOW)

    assert len([query for query in asked if "search_path" not in query["sql"]]) == 2

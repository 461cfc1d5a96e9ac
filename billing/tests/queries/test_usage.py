"""The bars of one and of many."""

import pytest
from django.utils import translation

from billing.queries import usage
from billing.services.usage import read_gauges
from billing.tests.factories import GaugeReadingFactory, PlanFactory, SubscriptionFactory
from ops.kernel.metering import services as metering
from tenants.models import Tenant
from tenants.tests.factories import TenantFactory


@pytest.mark.parametrize("count", [1, 4])
def test_bars_of_many_tenants_take_four_questions(db, noon, count, django_assert_num_queries):
    plan = PlanFactory()
    tenants = TenantFactory.create_batch(count)
    for tenant in tenants:
        SubscriptionFactory(tenant=tenant, plan=plan)
        GaugeReadingFactory(tenant=tenant, used=1)
    listed = list(Tenant.objects.filter(pk__in=[tenant.pk for tenant in tenants]))

    with django_assert_num_queries(4):
        found = usage.of_tenants(listed, now=noon)

    assert len(found) == count
    assert {bar.key: (bar.used, bar.limit, bar.percent) for bar in found[listed[0].pk].bars} == {
        "chat.agents": (1, 2, 50),
        "chat.conversations_month": (0, 10, 0),
    }


def test_each_tenant_gets_its_own_numbers(acme, beta, ana, noon):
    plan = PlanFactory()
    for tenant in (acme, beta):
        SubscriptionFactory(tenant=tenant, plan=plan)
    metering.record("chat.conversations", event_id="conversation:1", quantity=4, now=noon)
    read_gauges(tenant=acme, now=noon)

    found = usage.of_tenants([acme, beta], now=noon)

    assert [(bar.key, bar.used) for bar in found[acme.pk].bars] == [("chat.agents", 0), ("chat.conversations_month", 4)]
    assert [bar.used for bar in found[beta.pk].bars] == [0, 0]


def test_gauges_are_read_in_the_schema_they_belong_to(acme, beta, noon):
    with pytest.raises(ValueError, match="t_beta"):
        read_gauges(tenant=beta, now=noon)


def test_numbers_are_written_for_people(acme, noon):
    SubscriptionFactory(
        tenant=acme,
        plan=PlanFactory(
            limits={"chat.conversations_month": 10_000, "storage.bytes": 5 * 1024**3, "chat.agents": None}
        ),
    )

    with translation.override("pt-br"):
        words = {bar.key: bar.words.replace("\xa0", " ") for bar in usage.of_current_tenant(now=noon)}

    assert "10.000" in words["chat.conversations_month"]
    assert words["storage.bytes"].endswith(" 5 GB")
    assert "10" not in words["chat.agents"]

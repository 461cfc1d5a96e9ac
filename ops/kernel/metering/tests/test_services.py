import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.errors import Conflict, LimitReached
from ops.kernel.metering import services as metering
from ops.kernel.metering.models import UsageCounter, UsageRecord
from ops.kernel.metering.services import Usage
from ops.kernel.metering.tests.factories import UnitPriceFactory
from ops.kernel.money import Micros, Money


@pytest.fixture
def watched():
    """Every change that metering reports."""
    changes = []
    metering.watch("tests", changes.append)
    yield changes
    metering.unwatch("tests")


def test_a_fact_counts_once_however_often_it_is_told(acme, noon, watched):
    assert metering.record("chat.message", event_id="message:1", quantity=2, now=noon)
    assert not metering.record("chat.message", event_id="message:1", quantity=2, now=noon)
    assert metering.record("chat.message", event_id="message:2", now=noon)

    assert metering.total("chat.message", period=noon) == 3
    assert UsageRecord.objects.count() == 2
    assert [(change.before, change.after) for change in watched] == [(0, 2), (2, 3)]


def test_one_id_for_two_facts_is_refused_and_nothing_is_lost_silently(acme, noon):
    metering.record("llm.tokens_in", event_id="call:1", quantity=800, now=noon)

    with pytest.raises(metering.FactReused, match="call:1"):
        metering.record("llm.tokens_out", event_id="call:1", quantity=800, now=noon)
    with pytest.raises(metering.FactReused):
        metering.record_batch([Usage("a", "x", 1), Usage("a", "x", 2)], now=noon)

    assert metering.totals(period=noon) == {"llm.tokens_in": 800}


def test_a_batch_counts_what_is_new_per_meter_and_month_in_one_statement(acme, noon, django_assert_num_queries):
    metering.record("chat.message", event_id="m:1", now=noon)
    december = datetime(2026, 12, 5, tzinfo=UTC)
    usages = [Usage("chat.message", f"m:{n}", at=noon) for n in range(1, 5)]
    usages += [Usage("chat.message", "m:9", at=december), Usage("storage.bytes", "file:1", 10_000_000_000)]
    usages += usages[:2]

    fresh = metering.record_batch(usages, now=noon)

    assert fresh == {"m:2", "m:3", "m:4", "m:9", "file:1"}
    assert metering.total("chat.message", period=noon) == 4
    assert metering.total("chat.message", period=december) == 1
    assert metering.total("storage.bytes", period=noon) == 10_000_000_000
    with django_assert_num_queries(3):  # savepoint, statement, release
        metering.record_batch([Usage("chat.message", f"n:{n}") for n in range(500)], now=noon)
    assert metering.record_batch([]) == set()


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 11, 1, 2, 59, 59, tzinfo=UTC), date(2026, 10, 1)),  # 23:59 in São Paulo
        (datetime(2026, 11, 1, 3, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2027, 1, 1, 2, 0, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_a_month_begins_at_midnight_in_sao_paulo(at, month):
    assert metering.month_of(at) == month


def test_tenants_do_not_share_ids_or_sums(acme, beta, noon):
    metering.record("chat.message", event_id="message:1", now=noon)
    with tenant_context(beta):
        assert metering.record("chat.message", event_id="message:1", quantity=5, now=noon)
        assert metering.total("chat.message", period=noon) == 5

    assert metering.total("chat.message", period=noon) == 1
    assert metering.total("chat.message", period=noon, schema=beta.schema_name) == 5


def test_costs_are_summed_per_currency_without_rounding(acme, noon):
    metering.record("llm.tokens_in", event_id="a", quantity=812, cost=Micros.of("0.002436", "USD"), now=noon)
    metering.record("llm.tokens_in", event_id="b", quantity=1, cost=Micros.of("0.000001", "USD"), now=noon)
    metering.record("speech.characters", event_id="c", quantity=Decimal("1.5"), cost=Money.of("0.10", "BRL"), now=noon)

    assert metering.cost(period=noon) == {"BRL": Micros(100_000, "BRL"), "USD": Micros(2_437, "USD")}
    assert metering.cost("llm.tokens_in", period=noon)["USD"].to_money() == Money(0, "USD")
    assert metering.total("speech.characters", period=noon) == Decimal("1.5")


def test_a_watcher_that_refuses_takes_the_usage_back(acme, noon):
    def refuse(change):
        if change.after > 2:
            raise LimitReached

    metering.watch("tests", refuse)
    try:
        metering.record("chat.message", event_id="1", quantity=2, now=noon)
        with pytest.raises(LimitReached):
            metering.record("chat.message", event_id="2", now=noon)
    finally:
        metering.unwatch("tests")

    assert metering.total("chat.message", period=noon) == 2
    assert not UsageRecord.objects.filter(event_id="2").exists()


@pytest.mark.parametrize(
    ("before", "after", "crossed"),
    [
        (0, 49, []),
        (0, 50, [50]),
        (50, 60, []),
        (49, 91, [50, 75, 90]),
        (99, 100, [100]),
        (100, 120, []),
        (0, 500, [50, 75, 90, 100]),
    ],
)
def test_thresholds_are_crossed_once(before, after, crossed):
    change = metering.Change("s", "m", date(2026, 11, 1), Decimal(before), Decimal(after))

    assert change.crossed(100) == crossed
    assert change.crossed(0) == []


@pytest.mark.transactional
def test_eight_threads_with_the_same_two_hundred_facts_count_two_hundred(acme, noon):
    def work(seed):
        try:
            with schema_context(acme.schema_name):
                order = [f"message:{n}" for n in range(200)]
                if seed % 2:
                    order.reverse()
                if seed < 4:
                    for event_id in order:
                        metering.record("chat.message", event_id=event_id, now=noon)
                else:
                    for start in range(0, 200, 20):
                        metering.record_batch(
                            [Usage("chat.message", one) for one in order[start : start + 20]], now=noon
                        )
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counter = UsageCounter.objects.get()
    assert (counter.quantity, counter.records) == (200, 200)
    assert UsageRecord.objects.count() == 200


def test_a_new_price_closes_the_one_before(acme, noon):
    first = metering.set_price(meter="llm.tokens_in", price=Micros(3, "USD"), effective_from=noon)
    metering.set_price(
        meter="llm.tokens_in",
        price=Micros(2, "USD"),
        effective_from=noon + timedelta(days=1),
        source="list of 2026-11-21",
    )

    first.refresh_from_db()
    assert first.effective_to == noon + timedelta(days=1)
    price = {
        at: metering.price_at(meter="llm.tokens_in", currency="USD", at=noon + timedelta(hours=at))
        for at in (-1, 0, 23, 24, 900)
    }
    assert price == {-1: None, 0: Micros(3, "USD"), 23: Micros(3, "USD"), 24: Micros(2, "USD"), 900: Micros(2, "USD")}
    with pytest.raises(Conflict):
        metering.set_price(meter="llm.tokens_in", price=Micros(1, "USD"), effective_from=noon)


def test_the_database_allows_one_open_price(acme):
    UnitPriceFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        UnitPriceFactory(effective_from=datetime(2026, 2, 1, tzinfo=UTC))

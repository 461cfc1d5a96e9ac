from uuid import uuid4

import pytest
from django.db import transaction

from ops.kernel import context
from ops.kernel.outbox import services as outbox
from ops.kernel.outbox.models import OutboxDelivery, OutboxEvent
from ops.kernel.outbox.tests.conftest import ThingHappened


def test_an_event_is_stored_with_its_schema_its_request_and_one_delivery_a_receiver(acme, react):
    react(lambda event: None, name="tests.one")
    react(lambda event: None, name="tests.two")

    with context.bound(request="req-1234", user="u-1"):
        key = outbox.publish(ThingHappened(thing="a", number=3))

    event = OutboxEvent.objects.get(id=key)
    assert (event.schema, event.name, event.aggregate) == (acme.schema_name, "tests.thing_happened", "thing:a")
    assert event.payload == {"thing": "a", "number": 3}
    assert (event.request_id, event.user_id) == ("req-1234", "u-1")
    deliveries = event.deliveries.order_by("receiver").values_list(
        "receiver", "schema", "aggregate", "state", "attempts"
    )
    assert list(deliveries) == [
        ("tests.one", acme.schema_name, "thing:a", "pending", 0),
        ("tests.two", acme.schema_name, "thing:a", "pending", 0),
    ]


def test_an_event_without_receivers_is_kept_and_waits_for_nobody(acme):
    outbox.publish(ThingHappened(thing="a", number=1))

    assert OutboxEvent.objects.count() == 1
    assert not OutboxDelivery.objects.exists()


@pytest.mark.transactional
def test_publishing_outside_a_transaction_is_refused(acme):
    with pytest.raises(outbox.NotInTransaction, match=r"tests\.thing_happened"):
        outbox.publish(ThingHappened(thing="a", number=1))

    assert not OutboxEvent.objects.exists()


@pytest.mark.transactional
def test_an_event_goes_with_the_change_it_tells_about(acme):
    with transaction.atomic():
        outbox.publish(ThingHappened(thing="a", number=1))
        transaction.set_rollback(True)

    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("thing", ["text", {"name": "x"}, ThingHappened])
def test_only_dataclasses_are_events(acme, thing):
    with pytest.raises(TypeError, match="no event"):
        outbox.publish(thing)


def test_ids_and_instants_become_text(acme, noon):
    key = uuid4()
    stored = outbox.publish(ThingHappened(thing=key, number=noon))

    assert OutboxEvent.objects.get(id=stored).payload == {"thing": str(key), "number": "2026-11-20T12:00:00Z"}


def test_publishing_is_one_query(acme, react, django_assert_num_queries):
    react(lambda event: None)
    OutboxEvent.objects.exists()  # the switch to the schema is not counted

    with django_assert_num_queries(1):
        outbox.publish(ThingHappened(thing="a", number=1))

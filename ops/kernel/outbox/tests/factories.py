import factory
from django.db import connection

from ops.kernel.outbox.models import InboxEvent, OutboxDelivery, OutboxEvent


class OutboxEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OutboxEvent

    schema = factory.LazyFunction(lambda: connection.schema_name)
    name = "tests.thing_happened"
    aggregate = factory.Sequence(lambda n: f"thing:{n}")
    payload = factory.Dict({"number": 1})


class OutboxDeliveryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OutboxDelivery

    event = factory.SubFactory(OutboxEventFactory)
    receiver = "tests.receiver"
    schema = factory.SelfAttribute("event.schema")
    aggregate = factory.SelfAttribute("event.aggregate")


class InboxEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = InboxEvent

    schema = factory.LazyFunction(lambda: connection.schema_name)
    provider = "tests"
    external_id = factory.Sequence(lambda n: f"evt_{n}")
    kind = "paid"
    body = b"{}"

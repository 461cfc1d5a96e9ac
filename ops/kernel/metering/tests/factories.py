from datetime import UTC, date, datetime

import factory
from django.db import connection

from ops.kernel.metering.models import UnitPrice, UsageCounter, UsageRecord


class UsageRecordFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageRecord

    schema = factory.LazyFunction(lambda: connection.schema_name)
    event_id = factory.Sequence(lambda n: f"message:{n}")
    meter = "chat.message"
    quantity = 1
    period = date(2026, 11, 1)


class UsageCounterFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageCounter

    schema = factory.LazyFunction(lambda: connection.schema_name)
    meter = "chat.message"
    period = date(2026, 11, 1)
    quantity = 1


class UnitPriceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UnitPrice

    meter = "llm.tokens_in"
    currency = "USD"
    micros = 3
    effective_from = datetime(2026, 1, 1, tzinfo=UTC)

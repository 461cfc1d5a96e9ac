from datetime import UTC, datetime, timedelta

import factory

from ops.kernel.idempotency.models import IdempotencyRecord


class IdempotencyRecordFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = IdempotencyRecord

    scope = factory.Sequence(lambda n: f"{n:064x}")
    request_hash = "0" * 64
    created_at = datetime(2026, 11, 20, tzinfo=UTC)
    expires_at = factory.LazyAttribute(lambda row: row.created_at + timedelta(hours=24))

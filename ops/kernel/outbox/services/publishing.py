"""Publish a domain event with the change it tells about."""

import dataclasses
import json
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from ops.kernel import context
from ops.kernel.ids import uuid7
from ops.kernel.outbox import subscriptions

CHANNEL = "outbox"


class Event(Protocol):
    """A frozen dataclass of ids and primitives with the name of what happened and the thing it happened to."""

    name: ClassVar[str]

    @property
    def aggregate(self) -> str:
        """The thing it happened to: `conversation:<id>`. Its events arrive in order."""
        ...


class NotInTransaction(RuntimeError):
    """An event was published outside a transaction: it could survive a change that did not."""


# Event, its deliveries and the wake-up of the dispatcher are one statement: one round trip on the hot path.
PUBLISH = """
WITH event AS (
    INSERT INTO public.outbox_outboxevent (id, schema, name, aggregate, payload, request_id, user_id, at)
    VALUES (%(id)s, %(schema)s, %(name)s, %(aggregate)s, %(payload)s::jsonb, %(request_id)s, %(user_id)s, clock_timestamp())
    RETURNING position, at
), deliveries AS (
    INSERT INTO public.outbox_outboxdelivery (event_id, receiver, schema, aggregate, state, attempts, due_at, last_error)
    SELECT event.position, receiver, %(schema)s, %(aggregate)s, 'pending', 0, event.at, ''
    FROM event, unnest(%(receivers)s::text[]) AS receiver
    RETURNING 1
)
SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify(%(channel)s, '') END FROM deliveries
"""


def publish(event: Event) -> UUID:
    """Store an event of the current schema, to be delivered at least once after this transaction commits.

    Events of one aggregate arrive in the order they were published when the publishers hold that aggregate's row
    lock (services that change a row do). Raises `NotInTransaction`, and `TypeError` for what is no event.
    """
    if not dataclasses.is_dataclass(event) or isinstance(event, type):
        raise TypeError(f"{event!r} is no event: events are frozen dataclasses.")
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{event.name} must be published in the transaction of the change it tells about.")
    key = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            PUBLISH,
            {
                "id": key,
                "schema": connection.schema_name,
                "name": event.name,
                "aggregate": str(event.aggregate),
                "payload": json.dumps(_payload(event), cls=DjangoJSONEncoder),
                "request_id": context.request_id.get(),
                "user_id": context.current_user_id(),
                "receivers": subscriptions.names_for(event.name),
                "channel": CHANNEL,
            },
        )
    return key


def _payload(event: Any) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}

"""Publish a domain event with the change it tells about."""

import asyncio
import dataclasses
import json
import logging
from typing import Any, ClassVar, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection

from ops.kernel import async_sql, context
from ops.kernel.ids import uuid7
from ops.kernel.outbox import subscriptions

log = logging.getLogger(__name__)

CHANNEL = "outbox"
WAKE_AFTER_S = 0.02


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
SELECT public.outbox_publish(%(schema)s, %(id)s, %(name)s, %(aggregate)s, %(payload)s::jsonb, %(request_id)s,
                             %(user_id)s, %(receivers)s::text[], true)
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
            },
        )
    return key


def packed(event: Event, *, schema: str, request_id: str, user_id: str) -> tuple[Any, ...]:
    """An event as the values `public.outbox_publish` takes before `p_wake`, for SQL that publishes by itself.

    Whoever does so calls `wake()` after the commit.
    """
    return (
        schema,
        uuid7(),
        event.name,
        str(event.aggregate),
        json.dumps(_payload(event), cls=DjangoJSONEncoder),
        request_id,
        user_id,
        subscriptions.names_for(event.name),
    )


_waking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()


def wake() -> None:
    """Wake the dispatcher from an event loop, once for everything that was published within `WAKE_AFTER_S`.

    A notification lets one transaction commit at a time, and the dispatcher looks by itself when one is lost.
    """
    loop = asyncio.get_running_loop()
    task = _waking.get(loop)
    if task is None or task.done():
        _waking[loop] = loop.create_task(_wake())


async def _wake() -> None:
    await asyncio.sleep(WAKE_AFTER_S)
    try:
        await async_sql.rows("public", "SELECT pg_notify(%s, '')", (CHANNEL,))
    except DatabaseError as error:
        log.warning("The dispatcher was not woken: %s", error)


def _payload(event: Any) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}

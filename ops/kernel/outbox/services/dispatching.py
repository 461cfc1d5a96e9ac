"""Deliver events to their receivers: at least once, in order for each aggregate, by as many processes as one likes.

A delivery is claimed, run and marked in one transaction that holds its row lock. So a dispatcher that is killed
loses nothing and blocks nobody: PostgreSQL rolls back and the next one finds the delivery as it was. A lane
(schema, aggregate, receiver) is served from its head only; the head's lock keeps every other dispatcher out of it.
What is waiting is a state, not a position: an event that commits later than a younger one is still found.
"""

import json
import logging
import random
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import redis
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import get_public_schema_name, get_tenant_model, schema_context, schema_exists, tenant_context

from ops.kernel import context, heartbeats
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.errors import PermanentFailure
from ops.kernel.outbox import subscriptions
from ops.kernel.outbox.models import DeliveryState, OutboxDelivery
from ops.kernel.outbox.services import inbox
from ops.kernel.outbox.services.publishing import CHANNEL
from ops.kernel.redaction import redact_text

log = logging.getLogger(__name__)

# Seconds to wait after the first, second, ... failure; after the last one the delivery is given up (50 minutes).
BACKOFF_S = (1, 5, 15, 60, 300, 900, 1800)
POLL_S = 1.0
PRUNE_EVERY_S = 3600
BEAT_EVERY_S = 5
# Webhooks are kept this many times longer than events: a dispute about a payment comes weeks later.
KEEP_WEBHOOKS = 13
TENANT_CACHE_S = 15

# The head of a lane is a minimum and not "nothing earlier": asked that way PostgreSQL walks the index of the lanes, which
# holds what waits, and never the one of all events ever delivered.
CLAIM = """
SELECT d.id, d.receiver, d.attempts, e.id, e.schema, e.name, e.aggregate, e.payload, e.at, e.request_id, e.user_id
FROM public.outbox_outboxdelivery d
JOIN public.outbox_outboxevent e ON e.position = d.event_id
WHERE d.state = 'pending' AND d.due_at <= clock_timestamp()
  AND d.event_id = (
    SELECT min(head.event_id) FROM public.outbox_outboxdelivery head
    WHERE head.state = 'pending' AND head.schema = d.schema AND head.aggregate = d.aggregate AND head.receiver = d.receiver
  )
ORDER BY d.due_at, d.event_id
LIMIT 1
FOR UPDATE OF d SKIP LOCKED
"""

PRUNE = """
WITH old AS (
    SELECT e.position FROM public.outbox_outboxevent e
    WHERE e.at < %(before)s
      AND NOT EXISTS (
        SELECT 1 FROM public.outbox_outboxdelivery d WHERE d.event_id = e.position AND d.state IN ('pending', 'dead')
      )
    ORDER BY e.position LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), deliveries AS (
    DELETE FROM public.outbox_outboxdelivery d USING old WHERE d.event_id = old.position
)
DELETE FROM public.outbox_outboxevent e USING old WHERE e.position = old.position
"""


class UnknownReceiver(PermanentFailure):
    """The delivery names a receiver that this release does not have."""

    code = "unknown_receiver"


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery whose row this transaction holds."""

    delivery_id: int
    receiver: str
    envelope: subscriptions.Envelope
    request_id: str
    user_id: str


class TenantGone(Exception):
    """The tenant of the event was deleted, or its schema was archived away."""


class Dispatcher:
    """One loop of deliveries; run several in threads or processes."""

    def __init__(self, *, name: str = "", poll_s: float = POLL_S) -> None:
        self.name = name or heartbeats.own_name()
        self.poll_s = poll_s
        self._tenants: dict[str, tuple[float, Any]] = {}
        self._next_beat = 0.0
        self._next_prune = time.monotonic() + random.uniform(0, PRUNE_EVERY_S)  # noqa: S311 — spreads the work

    def run(self, stop: threading.Event, *, keep_days: int) -> None:
        """Deliver until `stop` is set: at once on a notification, every `poll_s` for what became due meanwhile."""
        listener = Listener()
        try:
            while not stop.is_set():
                try:
                    self._look_alive()
                    listener.ensure()
                    self.drain(stop)
                    if time.monotonic() >= self._next_prune:
                        self._next_prune = time.monotonic() + PRUNE_EVERY_S
                        prune(before=timezone.now() - timedelta(days=keep_days))
                        inbox.prune(before=timezone.now() - timedelta(days=keep_days * KEEP_WEBHOOKS))
                    listener.wait(self.poll_s)
                except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                    log.warning("The database is away, the dispatcher waits: %s", error)
                    listener.close()
                    connection.close()
                    stop.wait(self.poll_s)
        finally:
            listener.close()
            connection.close()
            self._say_goodbye()

    def drain(self, stop: threading.Event | None = None) -> int:
        """Deliver everything that is due; says how many attempts that took."""
        attempts = 0
        while (stop is None or not stop.is_set()) and self.deliver_next():
            attempts += 1
            self._look_alive()
        return attempts

    def deliver_next(self) -> bool:
        """Deliver the oldest due event that heads its lane; `False` when there is none."""
        claim: Claim | None = None
        committed: list[bool] = []
        try:
            with _in_public(), transaction.atomic():
                claim = _claim()
                if claim is None:
                    return False
                # The first to run after the commit: work of the receiver that runs after it may still fail.
                transaction.on_commit(lambda: committed.append(True))
                self._deliver(claim)
        except Exception as error:
            if claim is None:
                raise
            if isinstance(error, TenantGone):
                with _in_public():
                    _mark(claim, DeliveryState.DROPPED, words="the tenant no longer exists")
                return True
            log.warning(
                "Receiver %s failed",
                claim.receiver,
                exc_info=error,
                extra={"event": str(claim.envelope.id), "schema": claim.envelope.schema},
            )
            with _in_public():
                fail(claim, error, committed=bool(committed), now=timezone.now())
        return True

    def _deliver(self, claim: Claim) -> None:
        function = subscriptions.find(claim.envelope.name, claim.receiver)
        if function is None:
            raise UnknownReceiver(words=claim.receiver)
        tenant = self._tenant(claim.envelope.schema)
        with tenant_context(tenant), context.bound(request=claim.request_id, user=claim.user_id):
            function(claim.envelope)
            # Deferred constraints speak up here, where the failure is still this receiver's.
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            _mark(claim, DeliveryState.DONE)

    def _tenant(self, schema: str) -> Any:
        kept = self._tenants.get(schema)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        tenant = get_tenant_model().objects.filter(schema_name=schema).first()
        if tenant is None or not schema_exists(schema):
            raise TenantGone(schema)
        self._tenants[schema] = (time.monotonic() + TENANT_CACHE_S, tenant)
        return tenant

    def _look_alive(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + BEAT_EVERY_S
        try:
            heartbeats.beat("outbox", name=self.name)
        except redis.RedisError as error:
            log.warning("No sign of life given: %s", error)

    def _say_goodbye(self) -> None:
        try:
            heartbeats.gone("outbox", name=self.name)
        except redis.RedisError as error:
            log.warning("No goodbye said: %s", error)


def _in_public() -> AbstractContextManager[Any]:
    """Be in public; nothing to do, and nothing to tell the database, for a dispatcher that is there already."""
    public = get_public_schema_name()
    return nullcontext() if connection.schema_name == public else schema_context(public)


def _claim() -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return None
    delivery_id, receiver, attempts, key, schema, name, aggregate, payload, at, request_id, user_id = row
    envelope = subscriptions.Envelope(
        id=key, name=name, schema=schema, aggregate=aggregate, payload=_loaded(payload), at=at, attempt=attempts + 1
    )
    return Claim(delivery_id=delivery_id, receiver=receiver, envelope=envelope, request_id=request_id, user_id=user_id)


def _loaded(payload: Any) -> Any:
    # Django asks psycopg for the text of jsonb columns, so that its own JSONField can choose the decoder.
    return json.loads(payload) if isinstance(payload, str | bytes) else payload


def _mark(claim: Claim, state: DeliveryState, *, words: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.outbox_outboxdelivery SET state = %s, attempts = attempts + 1, done_at = clock_timestamp(), last_error = %s"
            " WHERE id = %s",
            [state, words, claim.delivery_id],
        )


@transaction.atomic
def fail(claim: Claim, error: BaseException, *, committed: bool, now: datetime) -> None:
    """Remember a failed attempt; the whole lane waits with it. After the last attempt, or a permanent failure, give up and alert.

    `committed` says that only work after the commit failed (no Redis to enqueue in): the delivery stands as done
    and is taken back, so that it is done again.
    """
    attempts, state = (
        (claim.envelope.attempt, DeliveryState.DONE)
        if committed
        else (claim.envelope.attempt - 1, DeliveryState.PENDING)
    )
    delivery = (
        OutboxDelivery.objects.filter(pk=claim.delivery_id, attempts=attempts, state=state).select_for_update().first()
    )
    if delivery is None:
        # Between the roll-back and here the row was free, and another dispatcher has tried it: its result counts.
        return
    delivery.attempts = claim.envelope.attempt
    delivery.done_at = None
    words = getattr(error, "words", "")
    delivery.last_error = redact_text(f"{type(error).__name__}: {error} {words}".strip())[:2000]
    given_up = isinstance(error, PermanentFailure) or delivery.attempts > len(BACKOFF_S)
    if given_up:
        delivery.state, delivery.due_at = DeliveryState.DEAD, now
    else:
        wait = BACKOFF_S[delivery.attempts - 1]
        delivery.state = DeliveryState.PENDING
        delivery.due_at = now + timedelta(seconds=wait * random.uniform(1, 1.2))  # noqa: S311 — jitter
    delivery.save()
    if given_up:
        alerts.raise_alert(
            "outbox.dead_letter",
            severity=Severity.ERROR,
            key=f"outbox.dead:{delivery.receiver}",
            title=_("An event could not be delivered to %(receiver)s") % {"receiver": delivery.receiver},
            body=delivery.last_error,
            now=now,
        )
    else:
        # Those behind cannot go first anyway: without this each claim would look at all of them.
        _lane(delivery).pending().filter(due_at__lt=delivery.due_at).update(due_at=delivery.due_at)


def _lane(delivery: OutboxDelivery) -> Any:
    return OutboxDelivery.objects.filter(
        schema=delivery.schema, aggregate=delivery.aggregate, receiver=delivery.receiver, event_id__gt=delivery.event_id
    )


def prune(*, before: datetime, batch: int = 5000) -> int:
    """Remove events older than `before` that every receiver has had; what waits or was given up stays. Says how many."""
    removed = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PRUNE, {"before": before, "limit": batch})
            removed += cursor.rowcount
            if cursor.rowcount < batch:
                return removed


class Listener:
    """Wakes up on NOTIFY, over a connection of its own; without one it just waits."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None

    def ensure(self) -> None:
        """Be connected and listening, before looking for work: what comes afterwards wakes us up."""
        if self._connection is not None and not self._connection.closed:
            return
        parameters = {
            name: value
            for name, value in connection.get_connection_params().items()
            if name
            not in {
                "cursor_factory",
                "context",
                "prepare_threshold",
                "server_side_binding",
                "assume_role",
                "isolation_level",
            }
        }
        self._connection = psycopg.connect(**parameters, autocommit=True)
        self._connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> bool:
        """Wait for a notification; `False` when the time is up. Raises `psycopg.OperationalError` when the server went away."""
        if self._connection is None:
            time.sleep(seconds)
            return False
        heard = list(self._connection.notifies(timeout=seconds, stop_after=1))
        return bool(heard)

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

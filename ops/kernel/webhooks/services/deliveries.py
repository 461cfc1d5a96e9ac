"""Sending events to other systems: signed, at least once, with one id over all attempts.

The format is Standard Webhooks 1.0 (https://www.standardwebhooks.com): the headers `webhook-id`, `webhook-timestamp`
and `webhook-signature`, where a signature is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from ops.kernel import http
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.audit import services as audit
from ops.kernel.errors import PermanentFailure, TemporaryFailure
from ops.kernel.ids import uuid7
from ops.kernel.redaction import redact_text
from ops.kernel.tasks import enqueue
from ops.kernel.webhooks.enums import State
from ops.kernel.webhooks.errors import DeliveryNotFound, EndpointNotFound
from ops.kernel.webhooks.models import WebhookDelivery, WebhookEndpoint

# Seconds to wait after the first, second, ... failure; given up after the last one (three days).
BACKOFF_S = (5, 30, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
TIMEOUT_S = 15
# Nobody else takes a delivery while one process may still be waiting for its answer.
LEASE = timedelta(seconds=4 * TIMEOUT_S)
SWITCHED_OFF_AFTER = timedelta(days=5)
KEPT = timedelta(days=30)
HISTORY_KEPT = 20
WORDS_KEPT = 500
SWEEP = 200


def emit(event: str, *, event_id: UUID, data: Mapping[str, Any], at: datetime) -> int:
    """Queue an event for every endpoint that wants it; the same `event_id` again adds nothing. Says how many want it."""
    wanting = list(WebhookEndpoint.objects.asking_for(event).values_list("pk", flat=True))
    if not wanting:
        return 0
    body = json.dumps(
        {"id": str(event_id), "type": event, "timestamp": at.isoformat(), "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
        default=str,
    )
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(endpoint_id=key, event_id=event_id, event=event, body=body, created_at=at, due_at=at)
            for key in wanting
        ],
        ignore_conflicts=True,
    )
    for key in WebhookDelivery.objects.filter(event_id=event_id, state=State.QUEUED).values_list("pk", flat=True):
        enqueue("webhooks.deliver", delivery_id=str(key))
    return len(wanting)


def wanted(event: str) -> bool:
    """Whether anybody asks for this event; spares the work of describing it."""
    return WebhookEndpoint.objects.asking_for(event).exists()


def deliver(*, delivery_id: UUID, now: datetime) -> None:
    """Send one delivery that is due; a second process finds it taken and stops."""
    taken = WebhookDelivery.objects.filter(pk=delivery_id, state=State.QUEUED, due_at__lte=now)
    if not taken.update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return
    delivery = WebhookDelivery.objects.select_related("endpoint").get(pk=delivery_id)
    if not delivery.endpoint.enabled:
        _give_up(delivery, {"at": now.isoformat(), "status": 0, "words": "switched off", "took_ms": 0})
        return
    started = time.monotonic()
    status, words, gone = _send(delivery, now=now)
    attempt = {
        "at": now.isoformat(),
        "status": status,
        "words": words[:WORDS_KEPT],
        "took_ms": round((time.monotonic() - started) * 1000),
    }
    if 200 <= status < 300:
        _delivered(delivery, attempt, now=now)
    else:
        _failed(delivery, attempt, gone=gone, now=now)


def _send(delivery: WebhookDelivery, *, now: datetime) -> tuple[int, str, bool]:
    """Status (0 without an answer), the beginning of the answer, and whether the other side said it is gone for good."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Webhooks/1.0",
        "X-Event-Id": str(delivery.event_id),
        **signed(delivery.endpoint, delivery.event_id, delivery.body, now=now),
    }
    with http.client(
        delivery.endpoint.url,
        timeout=TIMEOUT_S,
        attempts=1,
        public_only=not settings.WEBHOOK_PRIVATE_ADDRESSES,
        max_bytes=64 * 1024,
    ) as client:
        try:
            answer = client.post(delivery.endpoint.url, content=delivery.body.encode(), headers=headers)
        except (TemporaryFailure, PermanentFailure) as failure:
            status = int(getattr(failure, "status_code", 0))
            return status, str(getattr(failure, "words", "") or failure), status == 410
    # A redirect is not followed: it could lead anywhere, and a POST would not survive most of them.
    return answer.status_code, redact_text(answer.text[:WORDS_KEPT]), False


def signed(endpoint: WebhookEndpoint, event_id: UUID, body: str, *, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks, signed with every secret that counts at `now`."""
    timestamp = str(int(now.timestamp()))
    secrets = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and now < endpoint.previous_until:
        secrets.append(endpoint.previous_secret)
    message = f"{event_id}.{timestamp}.{body}".encode()
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(secret, message)}" for secret in secrets),
    }


def _signature(secret: str, message: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


@transaction.atomic
def _delivered(delivery: WebhookDelivery, attempt: dict[str, Any], *, now: datetime) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=State.DELIVERED, delivered_at=now, history=_added(delivery, attempt)
    )
    if delivery.endpoint.failing_since is not None:
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(failing_since=None)
        alerts.resolve(key=f"webhook:{delivery.endpoint_id}")


@transaction.atomic
def _failed(delivery: WebhookDelivery, attempt: dict[str, Any], *, gone: bool, now: datetime) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=delivery.endpoint_id)
    since = endpoint.failing_since or now
    if endpoint.failing_since is None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
    if gone or now - since >= SWITCHED_OFF_AFTER:
        _switch_off(endpoint, now=now)
        _give_up(delivery, attempt)
    elif delivery.attempts > len(BACKOFF_S):
        _give_up(delivery, attempt)
    else:
        wait = timedelta(seconds=BACKOFF_S[delivery.attempts - 1])
        WebhookDelivery.objects.filter(pk=delivery.pk).update(due_at=now + wait, history=_added(delivery, attempt))


def _give_up(delivery: WebhookDelivery, attempt: dict[str, Any]) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(state=State.FAILED, history=_added(delivery, attempt))


def _switch_off(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True).update(enabled=False):
        return
    audit.record("webhooks.endpoint_switched_off", on=endpoint, detail={"url": endpoint.url}, now=now)
    alerts.raise_alert(
        "webhooks.switched_off",
        severity=Severity.WARNING,
        key=f"webhook:{endpoint.pk}",
        title=_("The webhook “%(name)s” was switched off") % {"name": endpoint},
        body=_(
            "Its address refused everything for five days, or said that it is gone. Switch it on again when it answers."
        ),
        now=now,
    )


def _added(delivery: WebhookDelivery, attempt: dict[str, Any]) -> list[dict[str, Any]]:
    return [*delivery.history, attempt][-HISTORY_KEPT:]


@transaction.atomic
def replay(*, endpoint_id: UUID, delivery_id: UUID, by: Any, now: datetime) -> WebhookDelivery:
    """Send a delivery again, whatever became of it; the event keeps its id and its bytes."""
    delivery = (
        WebhookDelivery.objects.select_for_update(of=("self",))
        .select_related("endpoint")
        .of(endpoint_id)
        .filter(pk=delivery_id)
        .first()
    )
    if delivery is None:
        raise DeliveryNotFound()
    delivery.state, delivery.attempts, delivery.due_at = State.QUEUED, 0, now
    delivery.save(update_fields=["state", "attempts", "due_at"])
    audit.record(
        "webhooks.delivery_replayed",
        by=by,
        on=delivery.endpoint,
        detail={"event": delivery.event, "event_id": str(delivery.event_id)},
        now=now,
    )
    enqueue("webhooks.deliver", delivery_id=str(delivery.pk))
    return delivery


@transaction.atomic
def send_test(*, endpoint_id: UUID, now: datetime) -> WebhookDelivery:
    """Queue an event named `ping` for one endpoint."""
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound()
    event_id = uuid7()
    body = {"id": str(event_id), "type": "ping", "timestamp": now.isoformat(), "data": {}}
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=event_id,
        event="ping",
        body=json.dumps(body, separators=(",", ":")),
        created_at=now,
        due_at=now,
    )
    enqueue("webhooks.deliver", delivery_id=str(delivery.pk))
    return delivery


def sweep(*, now: datetime) -> int:
    """Queue again what is due and was not taken: retries, and what a broken process left. Says how many."""
    due = WebhookDelivery.objects.filter(state=State.QUEUED, due_at__lte=now).order_by("due_at", "pk")
    keys = list(due.values_list("pk", flat=True)[:SWEEP])
    for key in keys:
        enqueue("webhooks.deliver", delivery_id=str(key))
    return len(keys)


def prune(*, now: datetime) -> int:
    """Forget what was settled a month ago; says how many rows."""
    old = WebhookDelivery.objects.exclude(state=State.QUEUED).filter(created_at__lt=now - KEPT)
    return old.delete()[0]

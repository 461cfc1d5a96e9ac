"""Webhooks: store first under the provider's own id, answer, and handle afterwards in a task."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound, PermanentFailure, TooLarge
from ops.kernel.outbox import subscriptions
from ops.kernel.outbox.models import InboxEvent, InboxState
from ops.kernel.redaction import redact, redact_text
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024


class UnknownWebhook(NotFound):
    """No webhook with this id in this schema."""

    code = "unknown_webhook"
    message = _("No webhook has this id.")


@transaction.atomic
def receive(
    *,
    provider: str,
    external_id: str,
    kind: str,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
    most_bytes: int = MAX_BODY_BYTES,
) -> tuple[InboxEvent, bool]:
    """Store a webhook whose signature was checked, for the current schema; `False` when it came before.

    The same id from the same provider is stored and handled once, however often it is sent. Raises `TooLarge`.
    """
    if len(body) > most_bytes:
        raise TooLarge()
    made = InboxEvent(
        schema=connection.schema_name,
        provider=provider,
        external_id=external_id[:200],
        kind=kind[:100],
        body=body,
        headers=redact(dict(headers)),
        received_at=now,
    )
    InboxEvent.objects.bulk_create([made], ignore_conflicts=True)
    kept = InboxEvent.objects.get(schema=made.schema, provider=provider, external_id=made.external_id)
    created = kept.pk == made.pk
    if created:
        enqueue("outbox.handle_inbound", inbox_id=str(kept.pk))
    return kept, created


def handle(*, inbox_id: str, now: datetime) -> None:
    """Give a stored webhook to its handler; a second run finds it handled and stops.

    The handler's writes and the mark are one transaction. What it raises is remembered and raised again, for the
    task to retry; a webhook that nobody handles is marked so and kept.
    """
    try:
        with transaction.atomic():
            event = _mine().select_for_update().filter(pk=inbox_id).first()
            if event is None or event.state in {InboxState.DONE, InboxState.IGNORED}:
                return
            handler = subscriptions.inbound_handler(event.provider)
            handled: bool | None = False
            if handler is not None:
                handled = handler(
                    subscriptions.Inbound(
                        id=event.pk,
                        provider=event.provider,
                        external_id=event.external_id,
                        kind=event.kind,
                        body=bytes(event.body),
                        received_at=event.received_at,
                    )
                )
            event.state = InboxState.IGNORED if handled is False else InboxState.DONE
            event.attempts += 1
            event.handled_at, event.last_error = now, ""
            event.save(update_fields=["state", "attempts", "handled_at", "last_error"])
    except Exception as error:
        words = redact_text(f"{type(error).__name__}: {error} {getattr(error, 'words', '')}".strip())[:2000]
        attempts = (_mine().filter(pk=inbox_id).values_list("attempts", flat=True).first() or 0) + 1
        _mine().filter(pk=inbox_id).update(state=InboxState.FAILED, last_error=words, attempts=attempts)
        if isinstance(error, PermanentFailure):
            log.warning("The webhook %s was refused for good: %s", inbox_id, words)
            return
        raise


def replay(*, inbox_id: UUID, by: Any, now: datetime) -> InboxEvent:
    """Handle a webhook again. Raises `UnknownWebhook`."""
    with transaction.atomic():
        event = _mine().select_for_update().filter(pk=inbox_id).first()
        if event is None:
            raise UnknownWebhook()
        event.state = InboxState.PENDING
        event.save(update_fields=["state"])
        audit.record("outbox.webhook_replayed", by=by, on=event, now=now)
        enqueue("outbox.handle_inbound", inbox_id=str(event.pk))
    return event


def empty(needles: Collection[str], *, now: datetime) -> int:
    """Take the content away from webhooks of this schema that hold any of these words; says how many.

    Their ids stay, so a webhook that is sent again is still known; one that waits is not handled any more.
    """
    if not needles:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE public.outbox_inboxevent e
               SET body = ''::bytea, headers = '{}', last_error = '', state = %s, handled_at = coalesce(e.handled_at, %s)
             WHERE e.schema = %s AND octet_length(e.body) > 0
               AND EXISTS (SELECT 1 FROM unnest(%s::text[]) n WHERE position(convert_to(n, 'UTF8') IN e.body) > 0)
            """,
            [InboxState.IGNORED, now, connection.schema_name, list(needles)],
        )
        return cursor.rowcount


def prune(*, before: datetime) -> int:
    """Remove webhooks of every schema that were handled before this instant; failed ones stay. Says how many."""
    over = InboxEvent.objects.filter(state__in=(InboxState.DONE, InboxState.IGNORED), handled_at__lt=before)
    return over.delete()[0]


def _mine() -> Any:
    return InboxEvent.objects.filter(schema=connection.schema_name)

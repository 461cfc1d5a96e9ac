"""Do something once per key, and give the same answer every other time."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, Invalid
from ops.kernel.idempotency.models import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
KEY_MAX_LENGTH = 200

# Answers that say nothing about the work itself: the caller should simply try again.
NOT_KEPT = {401, 403, 408, 423, 429}


class KeyReused(Conflict):
    """The key stands for another request."""

    code = "idempotency_key_reused"
    message = _("This Idempotency-Key was already used for another request. Use a new key.")


class StillRunning(Conflict):
    """The first request with this key has not answered yet."""

    code = "idempotency_in_progress"
    message = _("The first request with this Idempotency-Key is still running. Try again in a moment.")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body and headers of an answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class _Undo(Exception):
    """Takes back what a refused request had begun, while its answer is kept."""


def once(
    *, key: str, scope: str, body: bytes, run: Callable[[], Answer], now: datetime | None = None, wait_ms: int = 5000
) -> tuple[Answer, bool]:
    """Run `run()` for a new key and keep its answer; for a known key give the kept answer and `True`.

    `scope` names the caller, method and path. Everything is one transaction: a second request with the same key
    waits up to `wait_ms` for the first, then gets its answer. A refusal (status >= 400) undoes what it had written.
    Raises `KeyReused` for another body, `StillRunning` when the wait was too long, `Invalid` for an unusable key.
    """
    if not key or len(key) > KEY_MAX_LENGTH or not key.isprintable():
        raise Invalid(_("An Idempotency-Key has 1 to 200 printable characters."), field="Idempotency-Key")
    now = now or timezone.now()
    scope_hash = hashlib.sha256(f"{scope}\n{key}".encode()).hexdigest()
    request_hash = hashlib.sha256(body).hexdigest()

    with transaction.atomic():
        record = _claim(scope_hash=scope_hash, request_hash=request_hash, now=now, wait_ms=wait_ms)
        if record.request_hash != request_hash:
            raise KeyReused()
        if record.status is not None:
            return Answer(record.status, record.body, record.headers), True

        answer = Answer(500)
        try:
            with transaction.atomic():
                answer = run()
                if answer.status >= 400:
                    raise _Undo
        except _Undo:
            pass
        if answer.status >= 500 or answer.status in NOT_KEPT:
            record.delete()
        else:
            record.status, record.body, record.headers = answer.status, answer.body, answer.headers
            record.save(update_fields=["status", "body", "headers"])
        return answer, False


def _claim(*, scope_hash: str, request_hash: str, now: datetime, wait_ms: int) -> IdempotencyRecord:
    """The record of this key: ours to fill when its status is empty, else the one that was kept."""
    IdempotencyRecord.objects.filter(scope=scope_hash, expires_at__lte=now).delete()
    record = IdempotencyRecord(scope=scope_hash, request_hash=request_hash, created_at=now, expires_at=now + KEPT_FOR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(wait_ms)])
    try:
        # Waits here while another transaction holds the same key.
        IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
    except OperationalError as error:
        if "lock timeout" in str(error):
            raise StillRunning() from error
        raise
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    return IdempotencyRecord.objects.get(scope=scope_hash)


def forget_expired(*, now: datetime) -> int:
    """Remove the current schema's answers that are older than a day; says how many."""
    deleted, _rows = IdempotencyRecord.objects.filter(expires_at__lte=now).delete()
    return deleted

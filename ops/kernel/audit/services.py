"""Write to the audit log."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from ops.kernel import context
from ops.kernel.actors import actor_of
from ops.kernel.audit.actions import UnknownAction, registered
from ops.kernel.audit.models import AuditEntry
from ops.kernel.redaction import redact


def record(
    action: str, *, by: Any = None, on: models.Model | None = None, detail: dict[str, Any] | None = None, now: datetime | None = None
) -> AuditEntry:
    """Add an entry to the current schema's log, in the caller's transaction.

    `by` is a user, an `Actor`, a word for a process, or nothing for the person of the current request. `detail`
    holds primitives; values under a name that sounds like a secret are masked. Raises `UnknownAction`.
    """
    if action not in registered:
        raise UnknownAction(f"{action!r} is not registered; see ops.kernel.audit.actions.")
    actor = actor_of(by)
    return AuditEntry.objects.create(
        at=now or timezone.now(),
        action=action,
        actor_id=actor.id,
        actor_label=actor.label,
        actor_kind=actor.kind,
        object_type=on._meta.label_lower if on is not None else "",
        object_id=str(on.pk) if on is not None else "",
        object_label=str(on)[:200] if on is not None else "",
        detail=redact(detail or {}),
        request_id=context.request_id.get(),
        ip=context.current_ip(),
    )

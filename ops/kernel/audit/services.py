"""Write to the audit log, and prove that nobody changed it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from ops.kernel import context
from ops.kernel.actors import actor_of
from ops.kernel.audit.actions import UnknownAction, registered
from ops.kernel.audit.models import AuditEntry, AuditWords
from ops.kernel.redaction import redact


def record(
    action: str,
    *,
    by: Any = None,
    on: models.Model | None = None,
    detail: dict[str, Any] | None = None,
    private: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEntry:
    """Add an entry to the current schema's log, in the caller's transaction.

    `by` is a user, an `Actor`, a word for a process, or nothing for the person of the current request. `detail`
    holds primitives; values under a name that sounds like a secret are masked. `private` is detail that names a person
    outside: with the label of an object whose class says `audit_personal` it is kept beside the chain, where `forget`
    can erase it. Raises `UnknownAction`.
    """
    if action not in registered:
        raise UnknownAction(f"{action!r} is not registered; see ops.kernel.audit.actions.")
    actor = actor_of(by)
    label = str(on)[:200] if on is not None else ""
    personal = getattr(on, "audit_personal", False)
    entry = AuditEntry.objects.create(
        at=now or timezone.now(),
        action=action,
        actor_id=actor.id,
        actor_label=actor.label,
        actor_kind=actor.kind,
        object_type=on._meta.label_lower if on is not None else "",
        object_id=str(on.pk) if on is not None else "",
        object_label="" if personal else label,
        detail=redact(detail or {}),
        request_id=context.request_id.get(),
        ip=context.current_ip(),
    )
    if on is not None and ((personal and label) or private):
        AuditWords.objects.create(
            pk=entry.pk,
            object_type=on._meta.label_lower,
            object_id=str(on.pk),
            label=label if personal else "",
            detail=redact(private or {}),
        )
    return entry


def forget(model: type[models.Model], keys: Iterable[Any]) -> int:
    """Erase the names that entries about these objects were kept with; the entries and their chain stay. Says how many."""
    rows = AuditWords.objects.filter(object_type=model._meta.label_lower, object_id__in=[str(key) for key in keys])
    return rows.delete()[0]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain found. `broken_at` is the position of the first entry that does not fit.

    `head` is the hash of the last entry: keep it outside, and cutting off the end of the log shows too.
    """

    entries: int
    head: str
    broken_at: int | None
    unsealed: int

    @property
    def ok(self) -> bool:
        """The chain is whole."""
        return self.broken_at is None and self.unsealed == 0


# An entry fits when it follows the one before without a gap, names its hash, and its own hash is right.
VERIFY = """
WITH chain AS (
    SELECT e.*, lag(e.hash, 1, '') OVER w AS expected_prev, lag(e.seq, 1, 0::bigint) OVER w + 1 AS expected_seq
    FROM audit_auditentry e WHERE e.seq IS NOT NULL WINDOW w AS (ORDER BY e.seq)
)
SELECT
    (SELECT count(*) FROM audit_auditentry),
    (SELECT hash FROM audit_auditentry WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1),
    (SELECT min(seq) FROM chain WHERE seq <> expected_seq OR prev_hash <> expected_prev OR hash <> public.audit_digest(
        prev_hash, seq, id, at, action, actor_id, actor_label, actor_kind,
        object_type, object_id, object_label, detail, request_id, ip
    )),
    (SELECT count(*) FROM audit_auditentry WHERE seq IS NULL)
"""


def verify() -> Verdict:
    """Walk the chain of the current schema from the first entry to the last."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Entries of this very transaction are sealed at its end; so that they count, now.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(VERIFY)
        entries, head, broken_at, unsealed = cursor.fetchone()
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return Verdict(entries=entries, head=head or "", broken_at=broken_at, unsealed=unsealed)

"""A tenant's life after its birth: suspend, resume, archive, restore, delete with grace.

Every move is one of `ALLOWED`, made under the row's lock, and leaves an audit entry and an event.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit import services as audit
from ops.kernel.outbox import services as outbox
from tenants import errors, events
from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, JobKind, JobState, JobStep, TenantStatus
from tenants.models import Tenant, TenantJob
from tenants.queries import hosts
from tenants.services import support

log = logging.getLogger(__name__)

GRACE = timedelta(days=30)

S = TenantStatus
ALLOWED: frozenset[tuple[TenantStatus, TenantStatus]] = frozenset(
    {
        (S.PROVISIONING, S.ACTIVE),
        (S.PROVISIONING, S.ARCHIVED),  # a preparation nobody wants to continue
        (S.ACTIVE, S.SUSPENDED),
        (S.SUSPENDED, S.ACTIVE),
        (S.ACTIVE, S.ARCHIVED),
        (S.SUSPENDED, S.ARCHIVED),
        (S.ARCHIVED, S.ACTIVE),  # within the grace time, the data are still there
        (S.ARCHIVED, S.DELETED),
    }
)


def open_doors(*, tenant: Tenant, by: Any = None, now: datetime | None = None) -> Tenant:
    """A prepared tenant starts to answer; doing it twice changes nothing."""
    return _move(tenant, S.ACTIVE, "tenants.tenant_ready", by=by, now=now, only_from=S.PROVISIONING)


def suspend(*, tenant: Tenant, reason: str, by: Any = None, now: datetime | None = None) -> Tenant:
    """Keep everything, change nothing: staff may read, the API answers 402, the widget is offline."""
    now = now or timezone.now()
    return _move(
        tenant,
        S.SUSPENDED,
        "tenants.tenant_suspended",
        by=by,
        now=now,
        reason=reason,
        suspended_at=now,
        suspend_reason=reason[:200],
    )


def resume(*, tenant: Tenant, by: Any = None, now: datetime | None = None) -> Tenant:
    """Back to work after a suspension."""
    return _move(
        tenant,
        S.ACTIVE,
        "tenants.tenant_resumed",
        by=by,
        now=now,
        only_from=S.SUSPENDED,
        suspended_at=None,
        suspend_reason="",
    )


def archive(*, tenant: Tenant, reason: str = "", by: Any = None, now: datetime | None = None) -> Tenant:
    """Close the doors for everyone and keep the data, without a date for their deletion."""
    now = now or timezone.now()
    return _move(
        tenant, S.ARCHIVED, "tenants.tenant_archived", by=by, now=now, reason=reason, archived_at=now, delete_after=None
    )


def restore(*, tenant: Tenant, by: Any = None, now: datetime | None = None) -> Tenant:
    """Open an archived tenant again; a planned deletion is cancelled.

    Raises `NotAllowedNow` for one whose preparation never ended: it has no tables to open.
    """
    job = TenantJob.objects.birth_of(tenant)
    if job is not None and job.state != JobState.DONE:
        raise errors.NotAllowedNow(from_state=S.PROVISIONING.label, to_state=S.ACTIVE.label)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        _move(
            tenant,
            S.ACTIVE,
            "tenants.tenant_restored",
            by=by,
            now=now,
            only_from=S.ARCHIVED,
            archived_at=None,
            delete_after=None,
            suspended_at=None,
            suspend_reason="",
        )
        plans = TenantJob.objects.filter(tenant=tenant, kind=JobKind.PURGE)
        plans.exclude(state=JobState.DONE).update(state=JobState.CANCELLED)
    return tenant


def delete(
    *, tenant: Tenant, reason: str = "", by: Any = None, now: datetime | None = None, grace: timedelta = GRACE
) -> Tenant:
    """Close the doors now and plan the deletion of every row and file; until then `restore` brings it all back."""
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = _locked(tenant)
        if row.status == S.ARCHIVED:
            Tenant.objects.filter(pk=row.pk).update(delete_after=now + grace, updated_at=now)
            audit.record(
                "tenants.tenant_deletion_planned", by=by, on=row, detail={"after": (now + grace).isoformat()}, now=now
            )
            tenant.refresh_from_db()
            return tenant
        return _move(
            tenant,
            S.ARCHIVED,
            "tenants.tenant_deletion_planned",
            by=by,
            now=now,
            reason=reason,
            archived_at=now,
            delete_after=now + grace,
        )


def purge(*, tenant: Tenant, by: Any = None, now: datetime | None = None) -> Tenant:
    """Delete schema, files and hosts of a tenant whose grace time is over. Its row stays, as the name of what is gone.

    Raises `NotAllowedNow` before `delete_after`. Safe to call again after a crash in the middle.
    """
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = _locked(tenant)
        if row.schema_name in (PUBLIC_SCHEMA, TEMPLATE_SCHEMA):
            raise errors.NotAllowedNow(from_state=row.get_status_display(), to_state=S.DELETED.label)
        if row.status != S.ARCHIVED or row.delete_after is None or row.delete_after > now:
            raise errors.NotAllowedNow(from_state=row.get_status_display(), to_state=S.DELETED.label)
        # Files first: when this fails the schema is still there and the next run tries again.
        with tenant_context(row):
            files = _delete_files()
        with connection.cursor() as cursor:
            # Triggers that wait for the commit would find their tables gone.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            cursor.execute(f'DROP SCHEMA IF EXISTS "{row.schema_name}" CASCADE')
        row.domain_claims.all().delete()
        row.domains.all().delete()
        job = TenantJob.objects.latest_of(row, JobKind.PURGE)
        # What is left to say about it: how much was there, and which file its owners took away.
        left = {"files": files, "export": ((job.payload if job else {}).get("export") or {}).get("sha256", "")}
        _move(row, S.DELETED, "tenants.tenant_deleted", by=by, now=now, record=left)
        TenantJob.objects.filter(tenant=row, kind=JobKind.PURGE).exclude(state=JobState.CANCELLED).update(
            state=JobState.DONE, step=JobStep.PURGE, error="", payload={}, finished_at=now, updated_at=now
        )
    tenant.refresh_from_db()
    return tenant


def purge_due(*, now: datetime | None = None) -> list[Tenant]:
    """Delete every tenant whose grace time is over; one that fails does not keep the others."""
    now = now or timezone.now()
    gone = []
    with schema_context(PUBLIC_SCHEMA):
        # Nothing is deleted before its last export was made and the owners were told.
        not_told = TenantJob.objects.filter(kind=JobKind.PURGE, step__in=(JobStep.EXPORT, JobStep.TELL)).exclude(
            state__in=(JobState.DONE, JobState.CANCELLED)
        )
        due = (
            Tenant.objects.customers()
            .filter(status=S.ARCHIVED, delete_after__lte=now)
            .exclude(pk__in=not_told.values("tenant"))
            .order_by("delete_after", "pk")
        )
        for tenant in due:
            try:
                gone.append(purge(tenant=tenant, by="purge", now=now))
            except Exception:
                log.exception("Deleting %s failed; the next run tries again", tenant.schema_name)
    return gone


def _locked(tenant: Tenant) -> Tenant:
    row = Tenant.objects.select_for_update(of=("self",)).filter(pk=tenant.pk).first()
    if row is None:
        raise errors.UnknownTenant()
    return row


def _move(
    tenant: Tenant,
    to: TenantStatus,
    action: str,
    *,
    by: Any,
    now: datetime | None,
    reason: str = "",
    only_from: TenantStatus | None = None,
    record: dict[str, Any] | None = None,
    **changes: Any,
) -> Tenant:
    """The one place where a tenant's state changes. The same state again changes and records nothing."""
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = _locked(tenant)
        before = TenantStatus(row.status)
        if before == to:
            return row
        if row.is_public or (before, to) not in ALLOWED or (only_from is not None and before != only_from):
            raise errors.NotAllowedNow(from_state=before.label, to_state=to.label)
        changes |= {"status": to, "updated_at": now}
        Tenant.objects.filter(pk=row.pk).update(**changes)
        for name, value in changes.items():
            setattr(row, name, value)
            setattr(tenant, name, value)
        detail = ({"reason": reason} if reason else {}) | (record or {})
        audit.record(action, by=by, on=row, detail=detail, now=now)
        outbox.publish(events.TenantStatusChanged(str(row.pk), row.schema_name, before.value, to.value, reason))
        if before == S.ACTIVE:
            support.end_of_tenant(tenant=row, by=by, now=now)
        hosts.forget()
    return tenant


def _delete_files() -> int:
    """Everything below the current tenant's own folder. Counts the files."""
    folders, gone = [""], 0
    for folder in folders:
        names, files = default_storage.listdir(folder)
        folders += [f"{folder}/{name}".lstrip("/") for name in names]
        for file in files:
            default_storage.delete(f"{folder}/{file}".lstrip("/"))
            gone += 1
    for folder in reversed(folders[1:]):
        default_storage.delete(folder)
    return gone

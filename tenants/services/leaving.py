"""The end of an account: planned with a grace time, the last export made, the owners told, reminded, and let back.

A plan is one job (`JobKind.PURGE`): `export → tell → grace → purge`. Each step may be done twice; the last one is
`lifecycle.purge`. What the owners need is behind one signed link, because the doors of a closed account are shut.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.tasks import enqueue
from tenants import errors
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.enums import PUBLIC_SCHEMA, JobKind, JobState, JobStep, TenantStatus
from tenants.models import Tenant, TenantJob
from tenants.services import domains, exporting, letters, lifecycle
from tenants.services.ledgers import record_both

log = logging.getLogger(__name__)

SALT = "tenants.leaving"
REMIND_BEFORE = (7, 1)
EXPORT_KEPT = timedelta(days=30)
STALE_AFTER, LOST_AFTER = timedelta(minutes=30), timedelta(minutes=2)
CLOSED, CLOSING = (JobState.DONE, JobState.CANCELLED), (JobStep.EXPORT, JobStep.TELL)


@dataclass(frozen=True, slots=True)
class Farewell:
    """What somebody behind the link of a letter sees and may do."""

    tenant: Tenant
    job: TenantJob
    person: User | None
    may_take_back: bool

    @property
    def export(self) -> dict[str, Any] | None:
        """The last export, once it is made."""
        return self.job.payload.get("export")


# --- Planning, and taking it back ---


def plan(
    *, tenant: Tenant, by: Any, now: datetime, reason: str = "", grace: timedelta = lifecycle.GRACE, own: bool = False
) -> TenantJob | None:
    """Close the doors now and delete everything after the grace time. A second plan moves the day and nothing else.

    `own` says that an owner asked for it; then owners may take it back. Gives nothing for a customer without tables,
    who has nothing to take along. Raises `NotAllowedNow`.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        lifecycle.delete(tenant=tenant, reason=reason, by=by, now=now, grace=grace)
        job = open_plan(tenant)
        if job is not None and job.step == JobStep.GRACE:
            # Another day: the owners are told again, with links that last as long.
            job.step, job.payload["reminded"] = JobStep.TELL, []
            job.save(update_fields=["step", "payload", "updated_at"])
            enqueue("tenants.leave", job_id=str(job.pk))
        elif job is None and domains.has_tables(tenant):
            job = TenantJob.objects.create(
                tenant=tenant,
                kind=JobKind.PURGE,
                step=JobStep.EXPORT,
                payload={"own": own, "reason": reason[:200], "reminded": []},
            )
            _tell_own_ledger(tenant, "tenants.tenant_deletion_planned", by=by, reason=reason, now=now)
            enqueue("tenants.leave", job_id=str(job.pk))
    return job


def open_plan(tenant: Tenant) -> TenantJob | None:
    """The plan that stands, also one whose export failed."""
    with schema_context(PUBLIC_SCHEMA):
        job = TenantJob.objects.latest_of(tenant, JobKind.PURGE)
    return job if job is not None and job.state not in CLOSED else None


def take_back(*, tenant: Tenant, by: Any, now: datetime, own: bool = False) -> Tenant:
    """Open the account again as it was; the export goes. Raises `NothingPlanned`, `NotYoursToTakeBack`, `NotAllowedNow`."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        job = open_plan(row)
        if row.status != TenantStatus.ARCHIVED or row.delete_after is None:
            raise errors.NothingPlanned()
        if own and (job is None or not job.payload.get("own")):
            raise errors.NotYoursToTakeBack()
        lifecycle.restore(tenant=row, by=by, now=now)
        record_both("tenants.deletion_taken_back", tenant=row, by=by, detail={}, now=now)
        if job is not None:
            export = job.payload.get("export") or {}
            TenantJob.objects.filter(pk=job.pk).update(
                state=JobState.CANCELLED, payload={}, finished_at=now, updated_at=now
            )
            transaction.on_commit(lambda: exporting.remove(tenant=row, name=export.get("name", "")))
            _write_to_owners(row, job, "undone")
    tenant.refresh_from_db()
    return tenant


def open_again(*, tenant: Tenant, by: Any, now: datetime) -> Tenant:
    """Open a closed account again, whether its deletion was planned or it was only put away. Raises `NotAllowedNow`."""
    if tenant.delete_after is not None:
        return take_back(tenant=tenant, by=by, now=now)
    return lifecycle.restore(tenant=tenant, by=by, now=now)


# --- The steps ---


def run(*, job_id: UUID | str, now: datetime) -> TenantJob:
    """Do the steps that are left until the waiting begins; for a mere export, make it. A second caller stops.

    Raises what a step raised, after writing it into the job.
    """
    with schema_context(PUBLIC_SCHEMA):
        job = _claim(job_id, now)
        if job is None:
            return TenantJob.objects.select_related("tenant").get(pk=job_id)
        try:
            if job.step == JobStep.EXPORT:
                _export(job, now)
                _stand(job, JobStep.TELL)
            if job.step == JobStep.TELL:
                _write_to_owners(job.tenant, job, "planned" if job.kind == JobKind.PURGE else "export")
        except Exception as error:
            _failed(job, error)
            raise
        if job.kind == JobKind.PURGE:
            _stand(job, JobStep.GRACE, state=JobState.QUEUED)
        else:
            _stand(job, JobStep.READY, state=JobState.DONE, finished_at=timezone.now())
        return job


def ask_export(*, tenant: Tenant, by: Any, now: datetime) -> TenantJob:
    """Have everything written into one file; owners get the link. While one is being made, that one is given."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if row.status not in (TenantStatus.ACTIVE, TenantStatus.SUSPENDED):
            raise errors.WrongState(state=row.get_status_display())
        going = TenantJob.objects.open().filter(tenant=row, kind=JobKind.EXPORT).first()
        if going is not None:
            return going
        job = TenantJob.objects.create(tenant=row, kind=JobKind.EXPORT, step=JobStep.EXPORT)
        enqueue("tenants.leave", job_id=str(job.pk))
    return job


def retry(*, job: TenantJob, by: Any, now: datetime) -> None:
    """Go on where a failed export or letter stopped."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        again = TenantJob.objects.filter(pk=job.pk, kind__in=(JobKind.PURGE, JobKind.EXPORT), state=JobState.FAILED)
        if again.update(state=JobState.QUEUED, updated_at=now):
            record_both("tenants.provisioning_retried", tenant=job.tenant, by=by, detail={"step": job.step}, now=now)
            enqueue("tenants.leave", job_id=str(job.pk))


def tend(*, now: datetime) -> int:
    """Remind the owners whose day comes near, take up what nobody does, and let old exports go. Counts the letters."""
    with schema_context(PUBLIC_SCHEMA):
        for job in _idle(now):
            enqueue("tenants.leave", job_id=str(job.pk))
        for job in TenantJob.objects.filter(
            kind=JobKind.EXPORT, state=JobState.DONE, finished_at__lt=now - EXPORT_KEPT
        ).exclude(payload={}):
            exporting.remove(tenant=job.tenant, name=job.payload["export"]["name"])
            TenantJob.objects.filter(pk=job.pk).update(payload={})
        waiting = TenantJob.objects.filter(kind=JobKind.PURGE, state=JobState.QUEUED, step=JobStep.GRACE)
        return sum(_remind(key, now) for key in waiting.order_by("pk").values_list("pk", flat=True))


def _remind(key: UUID, now: datetime) -> int:
    with transaction.atomic():
        job = TenantJob.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=key)
        day = job.tenant.delete_after
        if job.step != JobStep.GRACE or day is None or day <= now:
            return 0
        due = [days for days in REMIND_BEFORE if day - now <= timedelta(days=days)]
        told = job.payload.get("reminded", [])
        # Who was away gets the nearest reminder only.
        if not due or min(due) in told:
            return 0
        job.payload["reminded"] = sorted({*told, *due}, reverse=True)
        job.save(update_fields=["payload", "updated_at"])
        record_both("tenants.deletion_reminded", tenant=job.tenant, by="leaving", detail={"days": min(due)}, now=now)
        _write_to_owners(job.tenant, job, "reminder", days=min(due))
    return 1


def _export(job: TenantJob, now: datetime) -> None:
    if job.payload.get("export"):
        return
    made = exporting.make(tenant=job.tenant, now=now, inside=connection.in_atomic_block)
    with transaction.atomic():
        job.payload["export"] = exporting.facts(made)
        job.save(update_fields=["payload", "updated_at"])
        record_both(
            "tenants.export_made",
            tenant=job.tenant,
            by="leaving",
            detail={"bytes": made.bytes, "rows": made.rows, "files": made.files, "sha256": made.sha256},
            now=now,
        )


def _stand(job: TenantJob, step: JobStep, **changes: Any) -> None:
    TenantJob.objects.filter(pk=job.pk).exclude(state=JobState.CANCELLED).update(
        step=step, updated_at=timezone.now(), **changes
    )
    job.step = step
    for name, value in changes.items():
        setattr(job, name, value)


def _claim(job_id: UUID | str, now: datetime) -> TenantJob | None:
    with transaction.atomic():
        job = (
            TenantJob.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .filter(pk=job_id, kind__in=(JobKind.PURGE, JobKind.EXPORT))
            .first()
        )
        if job is None:
            raise errors.UnknownTenant()
        fresh = job.state == JobState.RUNNING and timezone.now() - job.updated_at < STALE_AFTER
        if fresh or job.state in CLOSED or job.step not in CLOSING:
            return None
        job.state, job.error, job.attempts = JobState.RUNNING, "", job.attempts + 1
        job.started_at = job.started_at or now
        job.save(update_fields=["state", "error", "attempts", "started_at", "updated_at"])
    return job


def _failed(job: TenantJob, error: Exception) -> None:
    log.error("Closing %s failed at %s", job.tenant.schema_name, job.step, exc_info=error)
    words = (str(error).strip() or type(error).__name__)[:2000]
    TenantJob.objects.filter(pk=job.pk).update(state=JobState.FAILED, error=words, updated_at=timezone.now())


def _idle(now: datetime) -> Iterator[TenantJob]:
    rows = TenantJob.objects.filter(kind__in=(JobKind.PURGE, JobKind.EXPORT), step__in=CLOSING)
    lost = Q(state=JobState.QUEUED, updated_at__lt=now - LOST_AFTER)
    yield from rows.filter(lost | Q(state=JobState.RUNNING, updated_at__lt=now - STALE_AFTER)).order_by("pk")


def _tell_own_ledger(tenant: Tenant, action: str, *, by: Any, reason: str, now: datetime) -> None:
    """The platform's log has it already, from the change of the state."""
    if domains.has_tables(tenant):
        with tenant_context(tenant):
            audit.record(action, by=by, on=tenant, detail={"reason": reason}, now=now)


# --- The owners ---


def _write_to_owners(tenant: Tenant, job: TenantJob, letter: str, *, days: int = 0) -> None:
    """A letter to each owner after the commit, each a task of its own: one that fails repeats nobody else's."""
    if not domains.has_tables(tenant):
        return
    with tenant_context(tenant):
        owners = User.objects.active().with_role(BuiltInRole.OWNER).order_by("pk")
        keys = list(owners.values_list("pk", flat=True))
    until = tenant.delete_after.isoformat() if tenant.delete_after else ""
    for key in keys:
        enqueue(
            "tenants.write_farewell",
            job_id=str(job.pk),
            person_id=str(key),
            letter=letter,
            days=days,
            until=until,
        )


def write_to_owner(*, job_id: UUID | str, person_id: UUID | str, letter: str, days: int, until: str) -> bool:
    """Write to one owner, with the link that opens a closed account's last page. Says whether it was sent now.

    `until` is the day of the deletion the letter was ordered for: another day is another letter.
    """
    with schema_context(PUBLIC_SCHEMA):
        job = TenantJob.objects.select_related("tenant").filter(pk=job_id).first()
    if job is None or not domains.has_tables(job.tenant):
        return False
    tenant = job.tenant
    with tenant_context(tenant):
        owner = User.objects.active().with_role(BuiltInRole.OWNER).filter(pk=person_id).first()
        if owner is None:
            return False
        return letters.send_once(
            key=f"farewell:{job.pk}:{letter}:{days}:{until}:{owner.pk}",
            letter=lambda: letters.write(
                f"tenants/farewell_{letter}",
                to=owner.email,
                language=owner.language,
                context={
                    "days": days,
                    "tenant": tenant,
                    "export": job.payload.get("export"),
                    "own": bool(job.payload.get("own")),
                    "reason": job.payload.get("reason", ""),
                    "link": link(tenant=tenant, job=job, person=owner),
                },
            ),
        )


def link(*, tenant: Tenant, job: TenantJob, person: User | None) -> str:
    """The address of the last page, good until everything is deleted, or the export is."""
    until = tenant.delete_after or (job.finished_at or job.created_at) + EXPORT_KEPT
    with tenant_context(tenant):
        token = signing.dumps_until([str(job.pk), str(person.pk) if person else ""], salt=SALT, until=until)
    return domains.url_of(tenant, reverse("tenants:farewell", args=[token], urlconf=settings.ROOT_URLCONF))


def behind(*, token: str, tenant: Tenant, now: datetime) -> Farewell:
    """What the link shows. Raises `UnknownExport` for a link that is forged, of another tenant, or over."""
    try:
        job_id, person_id = signing.loads_until(token, salt=SALT, now=now)
        key, person_key = UUID(job_id), UUID(person_id) if person_id else None
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise errors.UnknownExport() from error
    job = TenantJob.objects.filter(pk=key, tenant=tenant).exclude(state=JobState.CANCELLED).first()
    person = User.objects.active().with_role(BuiltInRole.OWNER).filter(pk=person_key).first() if person_key else None
    if job is None or person is None:
        raise errors.UnknownExport()
    planned = job.kind == JobKind.PURGE and tenant.status == TenantStatus.ARCHIVED and tenant.delete_after is not None
    return Farewell(tenant, job, person, may_take_back=planned and bool(job.payload.get("own")))


def fetched(*, farewell: Farewell, now: datetime) -> IO[bytes]:
    """The export, for somebody who takes it away; both logs say who. Raises `UnknownExport`."""
    export = farewell.export
    if not export:
        raise errors.UnknownExport()
    try:
        with tenant_context(farewell.tenant):
            held: IO[bytes] = default_storage.open(export["name"])
    except FileNotFoundError as error:
        raise errors.UnknownExport() from error
    detail = {"sha256": export["sha256"]}
    record_both("tenants.export_fetched", tenant=farewell.tenant, by=farewell.person, detail=detail, now=now)
    return held


def require_name(tenant: Tenant, typed: str) -> None:
    """Whoever closes an account types its name. Raises `NameMismatch`."""
    if " ".join(typed.split()) != " ".join(tenant.name.split()):
        raise errors.NameMismatch(field="name")


def require_reason(reason: str) -> str:
    """Whoever closes somebody else's account says why. Raises `Invalid`."""
    words = " ".join(reason.replace("\x00", "").split())
    if not 5 <= len(words) <= 200:
        raise Invalid(str(errors.ReasonMissing.message), field="reason")
    return words

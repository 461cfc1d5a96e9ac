"""Make a tenant: its row and address, its schema, its owner, its first settings.

Each step can be done twice and leaves what the next one needs; the job says which step a tenant stands on and why it
stopped. The schema is one that was formed in advance (`ready`) or is replayed from the prepared script (`template`), in
one transaction, so it exists whole or not.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit import services as audit
from ops.kernel.audit.models import AuditEntry
from ops.kernel.outbox import services as outbox
from ops.kernel.registry import Registry
from ops.kernel.tasks import enqueue
from tenants import errors, events
from tenants.accounts.models import Role, User
from tenants.enums import BIRTHS, PUBLIC_SCHEMA, CopyMode, JobKind, JobState, JobStep, TenantStatus
from tenants.models import Domain, Reseller, Tenant, TenantJob
from tenants.queries import hosts
from tenants.queries.progress import CLONE_STEPS, STEPS
from tenants.services import brand_copies, claims, domains, lifecycle, naming, ready, row_copies, template

log = logging.getLogger(__name__)

# A run that has said nothing for so long was killed; another one may take over.
STALE_AFTER_S = 600
# A job nobody has taken for so long was never heard of: the message got lost.
LOST_AFTER_S = 120


@dataclass(frozen=True, slots=True)
class CopyOf:
    """Of whom a new tenant is a copy, and how much of it."""

    source: Tenant
    mode: CopyMode


@dataclass(frozen=True, slots=True)
class Owner:
    """The first person of a tenant. Without a password they come in by a link."""

    email: str
    name: str = ""
    password: str | None = field(default=None, repr=False)
    language: str = ""


# What apps lay out in a new tenant: `on_ready.register("chat.first_inbox", make_first_inbox)` in `apps.py`. A hook gets
# the tenant, runs in its schema in a transaction of its own, and does nothing when its work is there already.
on_ready: Registry[Callable[[Tenant], None]] = Registry("provisioning hooks")

# What apps do in the schema of a copy once its rows are there, and before anybody comes in: new secrets, for example.
on_copied: Registry[Callable[[Tenant], None]] = Registry("hooks of copies")

# Plans live on a floor above: it hands its rule over at start, and this one only calls it.
PlanRule = Callable[..., object]
_give_plan: PlanRule | None = None


def register_plan_rule(rule: PlanRule) -> None:
    """Take the rule that starts a plan: `rule(tenant=, plan=, by=, now=)`, in the transaction that makes the tenant."""
    global _give_plan
    _give_plan = rule


def create(
    *,
    name: str,
    slug: str = "",
    reseller: Reseller | None = None,
    owner: Owner | None = None,
    language: str = "pt-br",
    time_zone: str = "America/Sao_Paulo",
    currency: str = "BRL",
    host: str = "",
    plan: str = "",
    copy_of: CopyOf | None = None,
    by: Any = None,
    now: datetime | None = None,
    wait: bool = False,
) -> Tenant:
    """Reserve the address and start preparing the tenant; `wait=True` prepares it before returning.

    Without `slug` one is made from the name. `host` claims a host of the customer's own, which answers beside `<slug>.<platform>` once it is proven.
    `plan` starts that plan; without one the floor above gives its own first plan while the tenant is prepared.
    `copy_of` fills it from another tenant; see `cloning`, which says who may.
    Raises `SlugTaken`, `SlugReserved`, `SlugMalformed`, `HostTaken`, and with `wait` whatever a step raised.
    """
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA):
        with transaction.atomic():
            tenant = _reserve(
                Tenant(name=name.strip(), reseller=reseller, language=language, time_zone=time_zone, currency=currency),
                slug=slug,
                host=host,
                now=now,
            )
            job = TenantJob.objects.create(
                tenant=tenant,
                kind=JobKind.CLONE if copy_of else JobKind.PROVISION,
                source=copy_of.source if copy_of else None,
                step=JobStep.SCHEMA,
                payload={"owner": _packed(owner)} | ({"mode": copy_of.mode.value} if copy_of else {}),
            )
            if plan:
                if _give_plan is None:
                    raise LookupError("Nobody registered a rule for plans.")
                _give_plan(tenant=tenant, plan=plan, by=by, now=now)
            audit.record("tenants.tenant_created", by=by, on=tenant, detail={"address": tenant.slug}, now=now)
            outbox.publish(events.TenantCreated(str(tenant.pk), tenant.schema_name))
            if not wait:
                enqueue("tenants.provision", job_id=str(job.pk))
        if wait:
            run(job_id=job.pk, now=now)
            tenant.refresh_from_db()
    return tenant


def run(*, job_id: UUID | str, now: datetime) -> TenantJob:
    """Do the steps that are left. Safe to call twice: a second caller finds the job running or done and stops.

    Raises what a step raised, after writing it into the job: the task's log has the traceback, the job the sentence.
    """
    with schema_context(PUBLIC_SCHEMA):
        job = _claim(job_id, now)
        if job is None:
            return TenantJob.objects.select_related("tenant").get(pk=job_id)
        steps = CLONE_STEPS if job.kind == JobKind.CLONE else STEPS
        for step in steps[steps.index(JobStep(job.step)) :]:
            TenantJob.objects.filter(pk=job.pk).update(step=step, updated_at=timezone.now())
            job.step = step
            try:
                with transaction.atomic():
                    _DO[step](job)
            except Exception as error:
                _failed(job, error)
                raise
        return job


def finish(*, tenant: Tenant, now: datetime) -> Tenant:
    """Prepare a tenant now instead of waiting for the worker, who finds nothing left to do."""
    with schema_context(PUBLIC_SCHEMA):
        job = TenantJob.objects.birth_of(tenant)
        if job is not None:
            run(job_id=job.pk, now=now)
        tenant.refresh_from_db()
    return tenant


def retry(*, job: TenantJob, by: Any = None, now: datetime | None = None, wait: bool = False) -> None:
    """Continue a failed preparation at the step it failed at."""
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA):
        with transaction.atomic():
            queued = TenantJob.objects.filter(pk=job.pk, kind__in=BIRTHS, state=JobState.FAILED).update(
                state=JobState.QUEUED, updated_at=now
            )
            if not queued:
                return
            audit.record("tenants.provisioning_retried", by=by, on=job.tenant, detail={"step": job.step}, now=now)
            if not wait:
                enqueue("tenants.provision", job_id=str(job.pk))
        if wait:
            run(job_id=job.pk, now=now)


def take_up(*, now: datetime) -> int:
    """Ask the worker again for jobs nobody is doing: the message was lost, or the process was killed. Counts them.

    Failed jobs stay failed: somebody should read why before trying again.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        idle = TenantJob.objects.filter(kind__in=BIRTHS).filter(
            Q(state=JobState.QUEUED, updated_at__lt=now - timedelta(seconds=LOST_AFTER_S))
            | Q(state=JobState.RUNNING, updated_at__lt=now - timedelta(seconds=STALE_AFTER_S))
        )
        keys = list(idle.order_by("pk").values_list("pk", flat=True))
        for key in keys:
            enqueue("tenants.provision", job_id=str(key))
    return len(keys)


# --- The steps --------------------------------------------------------------------------------------


def _reserve(tenant: Tenant, *, slug: str, host: str, now: datetime) -> Tenant:
    """Row, schema name and hosts. Two callers with the same address meet in the lock; the second one is refused."""
    tenant.slug = naming.checked_slug(slug) if slug else naming.free_slug(tenant.name)
    naming.lock(tenant.slug)
    naming.require_free(tenant.slug)
    naming.check_words(tenant)
    tenant.schema_name = naming.free_schema(tenant.slug)
    tenant.save()
    Domain.objects.create(tenant=tenant, domain=domains.host_below_platform(tenant.slug), is_primary=True)
    if host:
        claims.claim(tenant=tenant, host=host, now=now)
    hosts.forget()
    return tenant


def _address(job: TenantJob) -> None:
    """Done by `create`; a job never stands here again."""


def _schema(job: TenantJob) -> None:
    """Make the schema. One that bears this tenant's mark is whole and stays."""
    tenant = job.tenant
    mark = mark_of(tenant)
    found = schema_mark(tenant.schema_name)
    if found == mark:
        return
    if found is not None:
        raise errors.SchemaNotOurs(schema=tenant.schema_name)
    form_schema(tenant)


def form_schema(tenant: Tenant) -> None:
    """Make the schema of a tenant, marked as this tenant's: a ready one by its new name, or one from the script.

    Inside a transaction of the caller's: it keeps the lock against a changing template until the schema is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [template.FORMING_LOCK])
    script = template.current()
    mark = mark_of(tenant)
    if not ready.take(script=script, schema=tenant.schema_name, mark=mark):
        _replay(template.forming(script, tenant.schema_name, mark=mark))
    Tenant.objects.filter(pk=tenant.pk).update(release_hash=script.release_hash)
    ready.ask_for_more()


def _replay(body: bytes) -> None:
    if _callers_transaction():
        # The caller's transaction may still be rolled back, and then the schema must go with it.
        with connection.cursor() as cursor:
            cursor.cursor.execute(body)
        connection.search_path_set_schemas = None
    else:
        with template.fresh_connection() as fresh, fresh.transaction():
            fresh.execute(body, prepare=False)


def _callers_transaction() -> bool:
    """Whether somebody above `run` opened a transaction: `run` itself opens one, tests and sign-up another around it."""
    return len(connection.savepoint_ids) > 0


def mark_of(tenant: Tenant) -> str:
    """What the comment of a tenant's schema says: whose it is."""
    return f"tenant {tenant.pk}"


def schema_mark(schema: str) -> str | None:
    """The comment of a schema; an empty string without one, None when there is no such schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = %s", [schema]
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _copy(job: TenantJob) -> None:
    """The source's rows, in one go. Its tables must look like ours: both were made by the same release."""
    source = job.source
    if source is None or not domains.has_tables(source):
        raise errors.NothingToCopy()
    if Tenant.objects.get(pk=job.tenant_id).release_hash != source.release_hash:
        raise errors.TablesDiffer()
    row_copies.copy_rows(
        source=source.schema_name,
        target=job.tenant.schema_name,
        mode=CopyMode(job.payload["mode"]),
        inside=_callers_transaction(),
    )


def _settle(job: TenantJob) -> None:
    """The first entry of its own ledger, its brand and letters, and secrets of its own."""
    assert job.source is not None, "the step before refused otherwise"
    brand_copies.copy(source=job.source, target=job.tenant)
    with tenant_context(job.tenant):
        if not AuditEntry.objects.filter(action="tenants.tenant_cloned").exists():
            audit.record(
                "tenants.tenant_cloned",
                by="provisioning",
                on=job.tenant,
                detail={"from": job.source.name, "address": job.source.slug, "mode": job.payload["mode"]},
            )
        for hook in on_copied:
            hook(job.tenant)


def _files(job: TenantJob) -> None:
    """Pictures and attachments, into the tenant's own folder."""
    assert job.source is not None, "the step before refused otherwise"
    row_copies.copy_files(source=job.source.schema_name, target=job.tenant.schema_name)
    brand_copies.copy_files(source=job.source, target=job.tenant)


def _owner(job: TenantJob) -> None:
    """The first person, with the role that may do everything."""
    packed = job.payload.get("owner")
    if not packed:
        return
    with tenant_context(job.tenant):
        if User.objects.filter(email=packed["email"]).exists():
            return
        User.objects.create(
            email=packed["email"],
            name=packed["name"],
            password=packed["password"],
            language=packed["language"],
            role=Role.objects.get(slug="owner"),
        )


def _defaults(job: TenantJob) -> None:
    """What the apps lay out."""
    with tenant_context(job.tenant):
        for hook in on_ready:
            with transaction.atomic():
                hook(job.tenant)


def _ready(job: TenantJob) -> None:
    """Open the doors, and forget what the job knew."""
    lifecycle.open_doors(tenant=job.tenant, by="provisioning")
    TenantJob.objects.filter(pk=job.pk).update(
        state=JobState.DONE, error="", payload={}, finished_at=timezone.now(), updated_at=timezone.now()
    )
    job.state, job.payload, job.error = JobState.DONE, {}, ""


_DO: dict[JobStep, Callable[[TenantJob], None]] = {
    JobStep.ADDRESS: _address,
    JobStep.SCHEMA: _schema,
    JobStep.COPY: _copy,
    JobStep.SETTLE: _settle,
    JobStep.OWNER: _owner,
    JobStep.FILES: _files,
    JobStep.DEFAULTS: _defaults,
    JobStep.READY: _ready,
}


# --- The job ----------------------------------------------------------------------------------------


def _claim(job_id: UUID | str, now: datetime) -> TenantJob | None:
    """Take the job, unless somebody has it, did it, or the tenant has moved on."""
    with transaction.atomic():
        job = (
            TenantJob.objects.select_for_update(of=("self",))
            .select_related("tenant", "source")
            .filter(pk=job_id, kind__in=BIRTHS)
            .first()
        )
        if job is None:
            raise errors.UnknownTenant()
        stale = job.state == JobState.RUNNING and (timezone.now() - job.updated_at).total_seconds() > STALE_AFTER_S
        if job.state == JobState.DONE or (job.state == JobState.RUNNING and not stale):
            return None
        if job.tenant.status != TenantStatus.PROVISIONING:
            raise errors.NotAllowedNow(from_state=job.tenant.get_status_display(), to_state=TenantStatus.ACTIVE.label)
        job.state, job.error, job.attempts = JobState.RUNNING, "", job.attempts + 1
        job.step = job.step or JobStep.SCHEMA
        job.started_at = job.started_at or now
        job.save(update_fields=["state", "error", "attempts", "step", "started_at", "updated_at"])
    return job


def _failed(job: TenantJob, error: Exception) -> None:
    log.error("Preparing %s failed at %s", job.tenant.schema_name, job.step, exc_info=error)
    sentence = str(error).strip() or traceback.format_exception_only(error)[-1].strip()
    with transaction.atomic():
        TenantJob.objects.filter(pk=job.pk).update(
            state=JobState.FAILED, error=sentence[:2000], finished_at=timezone.now(), updated_at=timezone.now()
        )
        outbox.publish(events.ProvisioningFailed(str(job.tenant_id), str(job.pk), str(job.step)))
    job.state, job.error = JobState.FAILED, sentence[:2000]


def _packed(owner: Owner | None) -> dict[str, str] | None:
    """The owner as the job keeps it: the password only as its hash."""
    if owner is None:
        return None
    email = owner.email.strip().lower()
    validate_email(email)
    return {
        "email": email,
        "name": owner.name.strip(),
        "password": make_password(owner.password),
        "language": owner.language,
    }

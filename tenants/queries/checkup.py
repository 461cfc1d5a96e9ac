"""What is wrong with the tenants of this installation, for `manage.py tenant doctor` and for the console."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context

from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, JobState, JobStep, TenantStatus
from tenants.models import Domain, TemplateScript, Tenant, TenantJob
from tenants.queries import drift

STUCK_AFTER = timedelta(minutes=15)
# Dead rows are normal; so many of them mean that autovacuum does not keep up.
DEAD_ROWS, DEAD_SHARE = 10_000, 0.4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a code for programs, whom it is about, a sentence, and what to do."""

    code: str
    about: str
    sentence: str
    mend: str


def findings(*, now: datetime) -> list[Finding]:
    """Everything that is wrong; an empty list is good health."""
    with schema_context(PUBLIC_SCHEMA):
        return [*_template(), *_schemas(), *_references(), *_domains(), *_jobs(now), *_bloat(), *_single()]


def _template() -> Iterator[Finding]:
    release = drift.release_hash()
    if not TemplateScript.objects.filter(release_hash=release).exists():
        yield Finding(
            "script_old",
            TEMPLATE_SCHEMA,
            _("The script for new tenants is missing or of another release."),
            "manage.py migrate",
        )


def _schemas() -> Iterator[Finding]:
    living = Tenant.objects.living()
    states = drift.states(living.values_list("schema_name", flat=True))
    wanted = drift.on_disk()["tenant"]
    for schema, status in living.order_by("schema_name").values_list("schema_name", "status"):
        if schema not in states:
            if status != TenantStatus.PROVISIONING:
                yield Finding("schema_missing", schema, _("The tenant has no schema."), _("Restore it from a backup."))
            continue
        missing = wanted - states[schema].applied
        if missing:
            sentence = _("%(count)s migrations are missing.") % {"count": len(missing)}
            yield Finding("behind", schema, sentence, "manage.py migrate")
    for schema in drift.orphans():
        yield Finding("orphan", schema, _("No tenant has this schema."), f'DROP SCHEMA "{schema}" CASCADE')


def _references() -> Iterator[Finding]:
    """Content types and permissions with other keys than the template's: caches and tokens assume they are equal."""
    living = list(Tenant.objects.living().order_by("schema_name").values_list("schema_name", flat=True))
    existing = [schema for schema in living if schema in drift.states(living)]
    prints: dict[str, str] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(existing) + 1, drift.SCHEMAS_A_QUESTION):
            part = existing[start : start + drift.SCHEMAS_A_QUESTION] + [TEMPLATE_SCHEMA]
            if not drift.states([TEMPLATE_SCHEMA]):
                return
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT '{schema}', md5(coalesce((SELECT string_agg(id || app_label || model, ',' ORDER BY id)"  # noqa: S608
                    f" FROM \"{schema}\".django_content_type), '') || coalesce((SELECT string_agg(id || codename || content_type_id, ','"
                    f" ORDER BY id) FROM \"{schema}\".auth_permission), ''))"
                    for schema in part
                )
            )
            prints |= dict(cursor.fetchall())
    for schema in existing:
        if prints[schema] != prints[TEMPLATE_SCHEMA]:
            yield Finding(
                "references_differ",
                schema,
                _("Content types or permissions have other keys than the template's."),
                "manage.py migrate",
            )


def _domains() -> Iterator[Finding]:
    for tenant in Tenant.objects.living().filter(domains=None).order_by("schema_name"):
        yield Finding(
            "no_host",
            tenant.schema_name,
            _("No host leads to this tenant."),
            "manage.py tenant domain --id … --add HOST",
        )
    for host in Domain.objects.filter(tenant__status=TenantStatus.DELETED).order_by("domain"):
        yield Finding(
            "host_of_deleted", host.domain, _("This host belongs to a deleted tenant."), _("Remove it in the console.")
        )
    if not Domain.objects.filter(domain=settings.PLATFORM_DOMAIN).exists():
        yield Finding(
            "no_platform", settings.PLATFORM_DOMAIN, _("The platform's own host is missing."), "manage.py migrate"
        )


def _jobs(now: datetime) -> Iterator[Finding]:
    open_jobs = TenantJob.objects.select_related("tenant").order_by("created_at", "pk")
    latest: dict[tuple[str, str], TenantJob] = {(job.tenant.schema_name, job.kind): job for job in open_jobs}
    for (schema, _kind), job in latest.items():
        if job.state == JobState.FAILED:
            sentence = _("“%(job)s” failed: %(error)s") % {"job": job.get_kind_display(), "error": job.error[:200]}
            yield Finding("job_failed", schema, sentence, "manage.py tenant retry --id " + schema)
        elif job.step == JobStep.GRACE:
            continue  # it waits for its day
        elif job.state not in (JobState.DONE, JobState.CANCELLED) and job.updated_at < now - STUCK_AFTER:
            yield Finding(
                "job_stuck",
                schema,
                _("“%(job)s” makes no progress.") % {"job": job.get_kind_display()},
                _("Is a worker running?"),
            )
    overdue = Tenant.objects.customers().filter(status=TenantStatus.ARCHIVED, delete_after__lt=now - timedelta(days=1))
    for tenant in overdue.order_by("schema_name"):
        yield Finding(
            "deletion_overdue",
            tenant.schema_name,
            _("Its data should have been deleted."),
            _("Is the scheduler running?"),
        )


def _bloat() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || relname, n_dead_tup FROM pg_stat_user_tables"
            " WHERE n_dead_tup > %s AND n_dead_tup > %s * (n_live_tup + n_dead_tup) ORDER BY n_dead_tup DESC LIMIT 20",
            [DEAD_ROWS, DEAD_SHARE],
        )
        for table, dead in cursor.fetchall():
            yield Finding("bloat", table, _("%(count)s dead rows.") % {"count": dead}, f"VACUUM (ANALYZE) {table}")


def _single() -> Iterator[Finding]:
    if settings.SINGLE_TENANT and not Tenant.objects.living().filter(schema_name=settings.SINGLE_TENANT).exists():
        yield Finding(
            "single_missing",
            settings.SINGLE_TENANT,
            _("SINGLE_TENANT names a tenant that does not exist."),
            f"manage.py tenant create --name … --slug {settings.SINGLE_TENANT.removeprefix('t_').replace('_', '-')}",
        )

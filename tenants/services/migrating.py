"""Bring every schema in step with the code.

Public first, then the template, then all tenants: what a tenant is missing is found by one query for all, written as
SQL once, and replayed in each schema in a transaction of its own. Reference rows (content types, permissions, roles)
are copied from the template with the same keys, so that they are equal everywhere. What cannot be written as SQL, or
may not run in a transaction, goes the ordinary way.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.utils import timezone
from django_tenants.migration_executors.base import run_migrations
from django_tenants.utils import schema_context
from psycopg import sql

from tenants.accounts.models import Role
from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, JobKind, JobState
from tenants.models import Tenant, TenantJob
from tenants.queries import drift
from tenants.services import domains, ready, template

log = logging.getLogger(__name__)

LOCK_TIMEOUT = "3s"
LOCK_ATTEMPTS = 4
# A backend keeps the tables it has touched in memory: a new one now and then keeps it small.
SCHEMAS_A_CONNECTION = 100
# How many schemas are asked to be the model of the others before all go the ordinary way.
MODELS = 3

# What is the same SQL in every schema. RunSQL is judged by its own author: it must not name a schema.
PURE = (
    operations.CreateModel,
    operations.DeleteModel,
    operations.AlterModelTable,
    operations.AlterModelTableComment,
    operations.AlterUniqueTogether,
    operations.AlterIndexTogether,
    operations.AlterOrderWithRespectTo,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.RenameModel,
    operations.AddField,
    operations.RemoveField,
    operations.AlterField,
    operations.RenameField,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.AddConstraint,
    operations.RemoveConstraint,
    operations.AlterConstraint,
    operations.RunSQL,
)


# What Django's own command is told when it runs for one schema.
PLAIN: dict[str, Any] = {
    "app_label": None,
    "migration_name": None,
    "database": "default",
    "interactive": False,
    "fake": False,
    "fake_initial": False,
    "plan": False,
    "prune": False,
    "run_syncdb": False,
    "check_unapplied": False,
    "skip_checks": True,
    "force_color": False,
    "no_color": False,
}


@dataclass(slots=True)
class Report:
    """What a run did."""

    public: bool = False
    template: bool = False
    replayed: list[str] = field(default_factory=list)
    ordinary: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    tenants: int = 0
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether anything had to be done."""
        return bool(self.public or self.template or self.replayed or self.ordinary or self.references)


def run(
    *, say: Callable[[str], None] = lambda _: None, verbosity: int = 1, options: dict[str, Any] | None = None
) -> Report:
    """Migrate everything that is behind. Failures of single tenants are in the report; the others go on."""
    started = time.monotonic()
    report = Report()
    options = PLAIN | {"verbosity": max(verbosity - 1, 0)} | (options or {})
    with _alone(template.MIGRATING_LOCK):
        _public_and_template(report, options, say)
        script = template.current()
        schemas = drift.tenant_schemas()
        report.tenants = len(schemas)
        _tenants(schemas, script.release_hash, report, options, say)
        # Tenants made from an older script while this run was reading the list.
        late = [schema for schema in drift.tenant_schemas() if schema not in set(schemas)]
        _tenants(late, script.release_hash, report, options, say)
        report.tenants += len(late)
    report.seconds = time.monotonic() - started
    return report


@contextmanager
def _alone(key: int) -> Iterator[None]:
    """One run at a time, on a connection of its own: Django's one is closed between schemas."""
    with template.fresh_connection() as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [key])
        yield


def _public_and_template(report: Report, options: dict[str, Any], say: Callable[[str], None]) -> None:
    wanted = drift.on_disk()
    release = drift.release_hash()
    known = drift.states([PUBLIC_SCHEMA, TEMPLATE_SCHEMA]) if _is_migrated() else {}
    public = known.get(PUBLIC_SCHEMA)
    if public is None or not wanted["public"] <= public.applied or public.release_hash != release:
        say("public: migrating")
        _ordinary(PUBLIC_SCHEMA, options)
        report.public = True
    domains.ensure_platform()
    if report.public:
        _remember_release(PUBLIC_SCHEMA, release)
    stencil = known.get(TEMPLATE_SCHEMA)
    behind = stencil is None or not wanted["tenant"] <= stencil.applied or stencil.release_hash != release
    if behind or not _has_script(release):
        # Nobody may make a tenant from the old script from here on until the new one is there.
        with _alone(template.FORMING_LOCK):
            template.ensure_row()
            if behind:
                say("template: migrating")
                _form_empty(TEMPLATE_SCHEMA)
                _ordinary(TEMPLATE_SCHEMA, options)
                _remember_release(TEMPLATE_SCHEMA, release)
            template.renew(release_hash=release)
        ready.discard_stale()
        report.template = True


def refresh_script() -> None:
    """Dump the template again after it was migrated the ordinary way, under what it holds now.

    After a step backwards the script bears no release's name, so the next plain `migrate` brings all in step.
    """
    if not _is_migrated():
        return
    state = drift.states([TEMPLATE_SCHEMA]).get(TEMPLATE_SCHEMA)
    if state is None or not state.applied:
        return
    complete = drift.on_disk()["tenant"] <= state.applied
    _remember_release(TEMPLATE_SCHEMA, drift.release_hash() if complete else "")
    with _alone(template.FORMING_LOCK):
        template.renew(release_hash=drift.release_hash() if complete else "")
    ready.discard_stale()


def _is_migrated() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.tenants_templatescript') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def _has_script(release: str) -> bool:
    with schema_context(PUBLIC_SCHEMA):
        return template.TemplateScript.objects.filter(release_hash=release).exists()


def _form_empty(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')


def _remember_release(schema: str, release: str) -> None:
    with schema_context(PUBLIC_SCHEMA):
        Tenant.objects.filter(schema_name=schema).update(release_hash=release)


def _ordinary(schema: str, options: dict[str, Any]) -> None:
    """Django's own way, one schema: every operation through its Python, then `post_migrate`."""
    run_migrations((), options | {"schema_name": schema}, "standard", schema)


# --- Tenants ----------------------------------------------------------------------------------------


def _tenants(
    schemas: list[str], release: str, report: Report, options: dict[str, Any], say: Callable[[str], None]
) -> None:
    if not schemas:
        return
    wanted = drift.on_disk()["tenant"]
    known = drift.states(schemas)
    groups: dict[frozenset, list[str]] = {}
    stale: list[str] = []
    for schema in schemas:
        if schema not in known:
            continue  # being provisioned: it will be made from the new script
        missing = wanted - known[schema].applied
        if missing:
            groups.setdefault(missing, []).append(schema)
        elif known[schema].release_hash != release:
            stale.append(schema)
    for missing, members in groups.items():
        steps = _compiled_in_one_of(members)
        if steps is None:
            say(f"{len(missing)} migrations, {len(members)} tenants, the ordinary way")
            for schema in members:
                if _try(schema, report, partial(_ordinary, schema, options), say):
                    report.ordinary.append(schema)
                    stale.append(schema)
        else:
            say(f"{len(missing)} migrations, {len(members)} tenants, replayed")
            _replay(members, steps, release, report, say)
    if stale:
        _replay(stale, [], release, report, say)


@dataclass(frozen=True, slots=True)
class Step:
    """One migration as SQL."""

    app: str
    name: str
    body: str


class Rehearsal(DatabaseSchemaEditor):
    """Writes the statements down and takes each one, so that the next finds what it changes."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Write it down with its values in it, then do it."""
        super().execute(sql, params)
        with self.connection.cursor() as cursor:
            cursor.execute(self.collected_sql[-1])


def _compiled_in_one_of(schemas: list[str]) -> list[Step] | None:
    """What all of them are missing; a schema where it cannot be done, say because somebody changed it by hand, is no model."""
    for schema in schemas[:MODELS]:
        try:
            return _compiled(schema)
        except DatabaseError as error:
            log.warning("Migrations could not be compiled in %s: %s", schema, error)
    return None


def _compiled(schema: str) -> list[Step] | None:
    """What one schema is missing, as SQL that is right for every schema in the same state; None when it cannot be.

    Compiled while connected to that schema, every statement taken there and all of it taken back at the end: some
    operations look up what one before them made. Names of constraints are made from those of tables
    and columns, so they are the same in all schemas.
    """
    with schema_context(schema), transaction.atomic():
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not all(_is_pure(migration) for migration, _ in plan):
            return None
        steps = []
        state = executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]
        for migration, _ in plan:
            with Rehearsal(connection, collect_sql=True, atomic=True) as editor:
                state = migration.apply(state, editor, collect_sql=True)
            steps.append(Step(migration.app_label, migration.name, "\n".join(editor.collected_sql)))
            connection.check_constraints()  # what waits for the end of a transaction stands in the way of the next step
        transaction.set_rollback(True)
        return steps


def _is_pure(migration: Migration) -> bool:
    if not migration.atomic or migration.replaces:
        return False
    pending = list(migration.operations)
    while pending:
        operation = pending.pop()
        if type(operation) is operations.SeparateDatabaseAndState:
            pending += operation.database_operations
        elif type(operation) not in PURE:
            return False
    return True


def _replay(schemas: list[str], steps: list[Step], release: str, report: Report, say: Callable[[str], None]) -> None:
    if connection.in_atomic_block:
        raise RuntimeError("Tenants cannot be migrated inside a transaction: each one needs its own.")
    for start in range(0, len(schemas), SCHEMAS_A_CONNECTION):
        with template.fresh_connection() as fresh:
            for schema in schemas[start : start + SCHEMAS_A_CONNECTION]:
                if _try(schema, report, partial(_bring, fresh, schema, steps, release), say):
                    (report.replayed if steps else report.references).append(schema)


def _bring(fresh: psycopg.Connection, schema: str, steps: list[Step], release: str) -> None:
    """The missing migrations, each in its own transaction, then the reference rows."""
    for step in steps:
        _with_patience(partial(_apply, fresh, schema, step))
    _with_patience(partial(_follow_template, fresh, schema, release))


def _apply(fresh: psycopg.Connection, schema: str, step: Step) -> None:
    with fresh.transaction():
        _enter(fresh, schema)
        if step.body:
            fresh.execute(step.body.encode(), prepare=False)
        fresh.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", [step.app, step.name]
        )


def _enter(fresh: psycopg.Connection, schema: str) -> None:
    fresh.execute(
        sql.SQL("SET LOCAL search_path = {}, public; SET LOCAL lock_timeout = {}").format(
            sql.Identifier(schema), sql.Literal(LOCK_TIMEOUT)
        )
    )


def _with_patience(work: Callable[[], None]) -> None:
    """Somebody reads the table we must change: wait a little, a few times, and never make them wait for us for long."""
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return work()
        except psycopg.errors.LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            time.sleep(0.5 * attempt)
    return None


# Rows that a migrated schema has and that are the same in every one. Built-in roles are ours; others are the tenant's.
FOLLOW = """
DELETE FROM accounts_role_permissions held USING accounts_role role
 WHERE held.role_id = role.id AND role.built_in
   AND NOT EXISTS (SELECT FROM {template}.accounts_role_permissions t
                     JOIN {template}.accounts_role r ON r.id = t.role_id
                    WHERE r.slug = role.slug AND t.permission_id = held.permission_id);
INSERT INTO django_content_type (id, app_label, model)
SELECT id, app_label, model FROM {template}.django_content_type ON CONFLICT DO NOTHING;
INSERT INTO auth_permission (id, name, content_type_id, codename)
SELECT id, name, content_type_id, codename FROM {template}.auth_permission ON CONFLICT DO NOTHING;
UPDATE auth_permission p SET name = t.name FROM {template}.auth_permission t WHERE t.id = p.id AND t.name <> p.name;
INSERT INTO accounts_role ({role}) SELECT {role} FROM {template}.accounts_role t WHERE t.built_in ON CONFLICT DO NOTHING;
UPDATE accounts_role role SET name = t.name, seated = t.seated, revision = role.revision + 1
  FROM {template}.accounts_role t WHERE t.slug = role.slug AND t.built_in AND role.built_in;
INSERT INTO accounts_role_permissions (role_id, permission_id)
SELECT role.id, t.permission_id FROM {template}.accounts_role_permissions t
  JOIN {template}.accounts_role r ON r.id = t.role_id JOIN accounts_role role ON role.slug = r.slug AND role.built_in
ON CONFLICT DO NOTHING;
SELECT setval(pg_get_serial_sequence('django_content_type', 'id'), (SELECT max(id) FROM django_content_type)),
       setval(pg_get_serial_sequence('auth_permission', 'id'), (SELECT max(id) FROM auth_permission));
"""


def _follow_template(fresh: psycopg.Connection, schema: str, release: str) -> None:
    with fresh.transaction():
        _enter(fresh, schema)
        role = ", ".join(str(one.column) for one in Role._meta.concrete_fields)
        fresh.execute(FOLLOW.format(template=TEMPLATE_SCHEMA, role=role).encode(), prepare=False)
        fresh.execute("UPDATE public.tenants_tenant SET release_hash = %s WHERE schema_name = %s", [release, schema])


def _try(schema: str, report: Report, work: Callable[[], None], say: Callable[[str], None]) -> bool:
    try:
        work()
    except Exception as error:
        log.exception("Migrating %s failed", schema)
        report.failed[schema] = f"{type(error).__name__}: {error}".strip()
        say(f"{schema}: {report.failed[schema]}")
        connection.close()
        connection.set_schema_to_public()
        _note(schema, report.failed[schema])
        return False
    return True


def _note(schema: str, error: str) -> None:
    """Leave the failure where the console shows it."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        tenant = Tenant.objects.get(schema_name=schema)
        now = timezone.now()
        TenantJob.objects.create(
            tenant=tenant,
            kind=JobKind.MIGRATE,
            state=JobState.FAILED,
            error=error[:2000],
            attempts=1,
            started_at=now,
            finished_at=now,
        )

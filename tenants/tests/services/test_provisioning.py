"""A tenant is made whole, once, and can be continued after a failure."""

import re
import threading

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, connections, transaction
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import DomainError
from ops.kernel.outbox.models import OutboxEvent
from tenants import errors
from tenants.accounts.models import Role
from tenants.enums import TEMPLATE_SCHEMA, JobState, JobStep, TenantStatus
from tenants.models import Domain, Tenant, TenantJob
from tenants.services import lifecycle, provisioning, template

OWNER = provisioning.Owner("dona@cafe.example", "Dona Rosa", "correct horse", "pt-br")


def test_a_new_tenant_is_ready_with_its_owner(db):
    tenant = provisioning.create(name="Café Central", owner=OWNER, by="the test", wait=True)

    assert (tenant.slug, tenant.schema_name, tenant.status) == ("cafe-central", "t_cafe_central", TenantStatus.ACTIVE)
    assert tenant.domains.get().domain == "cafe-central.localhost"
    job = TenantJob.objects.get(tenant=tenant)
    assert (job.state, job.payload, job.attempts) == (JobState.DONE, {}, 1)
    assert list(AuditEntry.objects.about(tenant).order_by("at", "id").values_list("action", flat=True)) == [
        "tenants.tenant_created",
        "tenants.tenant_ready",
    ]
    assert set(OutboxEvent.objects.values_list("name", flat=True)) >= {
        "tenants.tenant_created",
        "tenants.tenant_status_changed",
    }
    with tenant_context(tenant):
        owner = get_user_model().objects.get()
        assert (owner.email, owner.role.slug) == ("dona@cafe.example", "owner")
        assert owner.check_password("correct horse")


def catalog(schema: str) -> dict[str, list[str]]:
    """Everything PostgreSQL knows about a schema, in words without the schema's name."""
    questions = {
        "columns": "SELECT table_name || '.' || column_name || ' ' || row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position) || ' ' || udt_name || ' '"
        " || is_nullable || ' ' || coalesce(column_default, '') || ' ' || is_identity FROM information_schema.columns WHERE table_schema = %s",
        "types": "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = %s",
        "constraints": "SELECT c.conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(c.oid, true) FROM pg_constraint c"
        " JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = %s",
        "triggers": "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND NOT t.tgisinternal",
        "functions": "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %s",
        "sequences": "SELECT sequencename || ' ' || data_type || ' ' || start_value || ' ' || increment_by || ' ' || coalesce(last_value, 0)"
        " FROM pg_sequences WHERE schemaname = %s",
        "views": "SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = %s",
    }
    with schema_context(schema), connection.cursor() as cursor:
        found = {}
        for name, question in questions.items():
            cursor.execute(question, [schema])
            found[name] = sorted(row[0].replace(f"{schema}.", "") for row in cursor.fetchall())
        # PostgreSQL writes the casts of `x IN ('a', 'b')` in another place once it has read its own words back.
        for name in ("indexes", "constraints"):
            found[name] = sorted(re.sub(r"::(character varying|text)(\[\])?|[()]", "", row) for row in found[name])
        return found


def test_a_new_schema_equals_the_one_that_was_migrated(db):
    tenant = provisioning.create(name="Igual", slug="igual", wait=True)

    made, migrated = catalog("t_igual"), catalog(TEMPLATE_SCHEMA)
    assert {name: len(rows) for name, rows in migrated.items()}["columns"] > 200
    for kind, rows in migrated.items():
        assert made[kind] == rows
    facts = {}
    for schema in (tenant.schema_name, TEMPLATE_SCHEMA):
        with schema_context(schema):
            facts[schema] = (
                list(Permission.objects.order_by("pk").values_list("pk", "content_type_id", "codename")),
                sorted(Role.objects.values_list("slug", "permissions__codename"), key=str),
            )
    assert facts[tenant.schema_name] == facts[TEMPLATE_SCHEMA]


def test_no_foreign_key_of_a_tenant_leaves_its_schema(db):
    provisioning.create(name="Fechado", slug="fechado", wait=True)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.confrelid"
            " WHERE c.contype = 'f' AND c.connamespace = 't_fechado'::regnamespace AND r.relnamespace <> c.connamespace"
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize("step", [JobStep.SCHEMA, JobStep.OWNER, JobStep.DEFAULTS, JobStep.READY])
def test_a_failed_step_says_why_and_is_continued(db, monkeypatch, step):
    real = provisioning._DO[step]

    def breaks(job):
        real(job)  # half of it happened: the step's transaction takes it back
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(provisioning._DO, step, breaks)
    with pytest.raises(RuntimeError, match="the disk is full"):
        provisioning.create(name="Teimosa", slug="teimosa", owner=OWNER, wait=True)
    tenant = Tenant.objects.get(slug="teimosa")
    job = TenantJob.objects.get(tenant=tenant)
    assert (job.state, job.step, job.error, tenant.status) == (
        JobState.FAILED,
        step,
        "the disk is full",
        TenantStatus.PROVISIONING,
    )
    assert "correct horse" not in str(job.payload)

    monkeypatch.setitem(provisioning._DO, step, real)
    provisioning.retry(job=job, wait=True)

    tenant.refresh_from_db()
    job.refresh_from_db()
    assert (tenant.status, job.state, job.attempts, job.error) == (TenantStatus.ACTIVE, JobState.DONE, 2, "")
    with tenant_context(tenant):
        assert get_user_model().objects.count() == 1


def test_a_job_that_is_done_is_not_done_again(db):
    tenant = provisioning.create(name="Pronta", slug="pronta", owner=OWNER, wait=True)
    job = TenantJob.objects.get(tenant=tenant)

    again = provisioning.run(job_id=job.pk, now=timezone.now())

    assert (again.state, again.attempts) == (JobState.DONE, 1)


def test_a_schema_that_is_not_ours_is_left_alone(db, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_alheia")
    monkeypatch.setattr(provisioning.naming, "free_schema", lambda slug: "t_alheia")

    with pytest.raises(errors.SchemaNotOurs):
        provisioning.create(name="Alheia", slug="alheia", wait=True)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 't_alheia'::regnamespace")
        assert cursor.fetchone() == (0,)


def test_apps_lay_out_their_first_things(db, monkeypatch):
    seen = []
    provisioning.on_ready.register("test.hook", lambda tenant: seen.append((tenant.slug, connection.schema_name)))
    try:
        provisioning.create(name="Com tudo", slug="com-tudo", wait=True)
    finally:
        provisioning.on_ready.unregister("test.hook")

    assert seen == [("com-tudo", "t_com_tudo")]


def test_without_waiting_the_worker_is_asked_after_the_commit(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        tenant = provisioning.create(name="Depois", slug="depois")

    assert tenant.status == TenantStatus.PROVISIONING
    assert TenantJob.objects.get(tenant=tenant).state == JobState.QUEUED
    assert len(callbacks) >= 1


@pytest.mark.parametrize(
    ("slug", "error"),
    [
        ("acme", errors.SlugTaken),
        ("admin", errors.SlugReserved),
        ("www", errors.SlugReserved),
        ("a", errors.SlugMalformed),
        ("a--b", errors.SlugMalformed),
        ("-ab", errors.SlugMalformed),
        ("xn--caf-dma", errors.SlugMalformed),
        ("a" * 41, errors.SlugMalformed),
        ("café", errors.SlugMalformed),
        ("a.b", errors.SlugMalformed),
        ('t";drop', errors.SlugMalformed),
        ("ab\x00c", errors.SlugMalformed),
    ],
)
def test_an_address_that_cannot_be_is_refused(acme, slug, error):
    with schema_context("public"), pytest.raises(error):
        provisioning.create(name="Nova", slug=slug)

    assert Tenant.objects.customers().count() == 2


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Padaria São João", "padaria-sao-joao"),
        ("  Café & Cia. Ltda ", "cafe-cia-ltda"),
        ("Acme", "acme-2"),
        ("Admin", "admin-1"),
        ("x" * 90, "x" * 40),
    ],
)
def test_a_name_makes_an_address(db, name, slug):
    assert provisioning.create(name=name).slug == slug


def test_a_name_without_letters_of_ours_still_gets_an_address(db):
    tenant = provisioning.create(name="寿司")

    assert tenant.slug.startswith("cliente-")


def test_the_address_of_a_deleted_tenant_is_free_and_its_schema_is_not(db):
    first = provisioning.create(name="Volta", slug="volta", wait=True)
    lifecycle.delete(tenant=first, now=timezone.now())
    Tenant.objects.filter(pk=first.pk).update(delete_after=timezone.now())
    lifecycle.purge(tenant=first, now=timezone.now())

    second = provisioning.create(name="Volta", slug="volta", wait=True)

    assert (first.schema_name, second.schema_name) == ("t_volta", "t_volta_2")


@pytest.mark.transactional
def test_of_eight_who_want_the_same_address_one_gets_it():
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def want() -> None:
        gate.wait()
        try:
            provisioning.create(name="Corrida", slug="corrida", wait=True)
            outcomes.append("made")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["made"] + ["slug_taken"] * 7
    assert Tenant.objects.get(slug="corrida").status == TenantStatus.ACTIVE
    assert Domain.objects.filter(domain="corrida.localhost").count() == 1


@pytest.mark.transactional
def test_a_committed_schema_is_made_on_a_connection_of_its_own():
    tenant = provisioning.create(name="Real", slug="real", owner=OWNER, wait=True)

    assert provisioning.schema_mark("t_real") == f"tenant {tenant.pk}"
    with tenant_context(tenant):
        assert get_user_model().objects.get().email == "dona@cafe.example"


def test_a_callers_transaction_takes_the_schema_back(db):
    class Changed(Exception):
        pass

    def regret() -> None:
        with transaction.atomic():
            provisioning.create(name="Arrependida", slug="arrependida", wait=True)
            raise Changed

    with pytest.raises(Changed):
        regret()

    assert provisioning.schema_mark("t_arrependida") is None
    assert not Tenant.objects.filter(slug="arrependida").exists()


def test_the_script_names_nobody(db):
    text = template.script_for(template.current(), "t_x")

    assert TEMPLATE_SCHEMA not in text
    assert text.startswith("CREATE SCHEMA t_x;")
    with pytest.raises(ValueError, match="cannot stand"):
        template.script_for(template.current(), 't_x"; DROP SCHEMA public')

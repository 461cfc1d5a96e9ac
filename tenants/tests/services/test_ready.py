"""Schemas formed in advance: taken once, by one; never an old one; equal to a migrated one; in nobody's way."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.utils import timezone
from django_tenants.utils import tenant_context

from tenants.enums import READY_PREFIX, TEMPLATE_SCHEMA
from tenants.models import TemplateScript, Tenant
from tenants.queries import checkup, drift
from tenants.services import migrating, provisioning, ready, template
from tenants.tests.services.test_provisioning import catalog

pytestmark = pytest.mark.transactional

OWNER = provisioning.Owner("dona@cafe.example", "Dona Rosa")


@pytest.fixture(autouse=True)
def two(settings) -> Iterator[None]:
    """Two ready schemas, and none afterwards."""
    settings.READY_SCHEMAS = 2
    ready.keep()
    assert len(at_hand()) == 2
    yield
    settings.READY_SCHEMAS = 0
    ready.keep()
    assert at_hand() == {}


@pytest.fixture
def worker() -> Iterator[None]:
    """What is enqueued runs at once."""
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = before


def at_hand() -> dict[str, int]:
    """Ready schemas with their OIDs: a renamed schema keeps its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname, oid FROM pg_namespace WHERE starts_with(nspname, %s)", [READY_PREFIX])
        return dict(cursor.fetchall())


def oid(schema: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone()[0]


def tenant_of(slug: str) -> Tenant:
    return provisioning.create(name=slug.title(), slug=slug, owner=OWNER, wait=True)


def test_a_tenant_takes_a_ready_schema_that_equals_a_migrated_one():
    before, template_before = at_hand(), (oid(TEMPLATE_SCHEMA), catalog(TEMPLATE_SCHEMA))

    tenant = tenant_of("pronto")

    assert oid("t_pronto") in before.values()
    assert len(at_hand()) == 1
    assert provisioning.schema_mark("t_pronto") == f"tenant {tenant.pk}"
    tenant.refresh_from_db()
    assert tenant.release_hash == template.current().release_hash
    made = catalog("t_pronto")
    assert len(made["columns"]) > 200
    assert made == catalog(TEMPLATE_SCHEMA)
    assert READY_PREFIX not in str(made)
    with tenant_context(tenant):
        assert get_user_model().objects.get().role.slug == "owner"
    assert (oid(TEMPLATE_SCHEMA), catalog(TEMPLATE_SCHEMA)) == template_before


def test_the_old_name_is_left_nowhere():
    names = at_hand()

    tenant_of("limpa")

    (taken,) = names.keys() - at_hand().keys()
    assert taken not in template.dump("t_limpa")


def test_what_was_taken_is_formed_again_and_no_more():
    tenant_of("primeira")

    assert (ready.keep(), len(at_hand())) == (1, 2)
    assert (ready.keep(), len(at_hand())) == (0, 2)


def test_whoever_takes_one_asks_the_worker_for_the_next(worker):
    before = at_hand()

    tenant_of("seguinte")

    assert oid("t_seguinte") in before.values()
    assert len(at_hand()) == 2


def test_fewer_wanted_means_the_others_go(settings):
    settings.READY_SCHEMAS = 1

    ready.keep()

    assert len(at_hand()) == 1


def test_none_wanted_none_taken(settings):
    settings.READY_SCHEMAS = 0

    tenant_of("sozinha")

    assert len(at_hand()) == 2


def test_of_eight_at_once_two_take_a_ready_one_and_six_replay_the_script():
    before = set(at_hand().values())
    gate = threading.Barrier(8)

    def want(number: int) -> None:
        gate.wait()
        try:
            tenant_of(f"corrida-{number}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(want, range(8)))

    schemas = [f"t_corrida_{number}" for number in range(8)]
    assert len({oid(schema) for schema in schemas} & before) == 2
    assert at_hand() == {}
    wanted = catalog(TEMPLATE_SCHEMA)
    for schema in schemas:
        assert catalog(schema) == wanted


def test_a_callers_transaction_gives_it_back():
    before = at_hand()

    with transaction.atomic():
        tenant_of("arrependida")
        assert len(at_hand()) == 1
        transaction.set_rollback(True)

    assert at_hand() == before
    assert provisioning.schema_mark("t_arrependida") is None


def test_one_of_an_older_script_is_never_taken():
    older = at_hand()
    script = template.current()
    TemplateScript.objects.all().delete()
    TemplateScript.objects.create(release_hash=script.release_hash, sql=script.sql)

    tenant_of("atual")

    assert at_hand() == older
    assert ready.keep() == 2
    assert not older.keys() & at_hand().keys()


def test_migrate_throws_away_what_an_older_release_made():
    assert len(at_hand()) == 2
    TemplateScript.objects.update(release_hash="older")

    report = migrating.run()

    assert report.template
    assert at_hand() == {}
    assert ready.keep() == 2


def test_migrate_without_a_change_leaves_them():
    before = at_hand()

    assert not migrating.run().changed

    assert at_hand() == before


def test_a_second_worker_that_fills_leaves_at_once(settings):
    settings.READY_SCHEMAS = 3
    with template.fresh_connection() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [ready.FILLING_LOCK])

        assert ready.keep() == 0

    assert len(at_hand()) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE FUNCTION {TEMPLATE_SCHEMA}.f() RETURNS void LANGUAGE sql AS $$ DELETE FROM {TEMPLATE_SCHEMA}.x $$;",
        f"CREATE FUNCTION {TEMPLATE_SCHEMA}.f() RETURNS void LANGUAGE sql SET search_path TO '{TEMPLATE_SCHEMA}' AS $$ $$;",
        f"INSERT INTO {TEMPLATE_SCHEMA}.django_migrations (app, name, applied) VALUES ('{TEMPLATE_SCHEMA}', 'x', now());",
    ],
)
def test_a_schema_that_holds_its_own_name_is_not_formed_in_advance(settings, text):
    script = template.current()
    assert not template.bears_its_name(script)
    try:
        TemplateScript.objects.filter(pk=script.pk).update(sql=f"{script.sql}\n{text}\n")
        settings.READY_SCHEMAS = 3

        assert ready.keep() == 0
    finally:
        TemplateScript.objects.filter(pk=script.pk).update(sql=script.sql)


def test_nobody_lists_them():
    assert len(at_hand()) == 2

    assert drift.orphans() == []
    assert not [name for name in drift.tenant_schemas() if name.startswith(READY_PREFIX)]
    assert not Tenant.objects.filter(schema_name__startswith=READY_PREFIX).exists()
    assert [finding for finding in checkup.findings(now=timezone.now()) if READY_PREFIX in str(finding)] == []

"""All schemas follow the code: replayed where SQL can say it, the ordinary way where not, and nobody waits for a failed one."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import schema_context

from tenants.accounts.models import Role
from tenants.enums import TEMPLATE_SCHEMA, JobKind, JobState
from tenants.models import Tenant, TenantJob
from tenants.queries import drift
from tenants.services import migrating, provisioning, template
from tenants.tests.services.test_provisioning import catalog

pytestmark = pytest.mark.transactional

SCHEMAS = ("t_acme", "t_beta", TEMPLATE_SCHEMA, "public")
KEY = ("accounts", "9999_tried_in_a_test")


@pytest.fixture
def deployed(monkeypatch) -> Iterator:
    """`deployed(operations)` puts a new migration of accounts on the disk, as a deploy does; all is taken back afterwards."""
    real = MigrationLoader.load_disk
    leaf = MigrationLoader(connection).graph.leaf_nodes("accounts")[0]

    def deploy(*operations, atomic: bool = True) -> None:
        made = type(
            "Migration",
            (migrations.Migration,),
            {"dependencies": [leaf], "operations": list(operations), "atomic": atomic},
        )

        def load_disk(self) -> None:
            real(self)
            self.disk_migrations[KEY] = made(KEY[1], KEY[0])

        monkeypatch.setattr(MigrationLoader, "load_disk", load_disk)

    yield deploy
    monkeypatch.undo()
    with connection.cursor() as cursor:
        for schema in SCHEMAS:
            cursor.execute(f'ALTER TABLE "{schema}".accounts_user DROP COLUMN IF EXISTS nickname')
            cursor.execute(f'DELETE FROM "{schema}".django_migrations WHERE name = %s', [KEY[1]])
    migrating.run()


def nickname() -> list:
    return [
        migrations.AddField("user", "nickname", models.CharField(max_length=40, default="", db_index=True)),
        migrations.AddConstraint(
            "user", models.CheckConstraint(condition=~models.Q(nickname="x"), name="nickname_is_no_x")
        ),
        migrations.RunSQL("UPDATE accounts_user SET nickname = 'a % sign' WHERE name = 'Ana'", migrations.RunSQL.noop),
    ]


def columns(schema: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = 'accounts_user'",
            [schema],
        )
        return {row[0] for row in cursor.fetchall()}


def test_an_operation_finds_what_the_one_before_it_made(deployed):
    deployed(
        *nickname()[:1],
        migrations.AlterUniqueTogether("user", {("name", "nickname")}),
        migrations.AlterUniqueTogether("user", set()),
    )

    report = migrating.run()

    assert (report.replayed, report.ordinary, report.failed) == (["t_acme", "t_beta"], [], {})
    assert all("nickname" in columns(schema) for schema in SCHEMAS)


def test_a_migration_is_replayed_in_every_tenant_and_the_second_run_finds_nothing(deployed):
    deployed(*nickname())

    first = migrating.run()
    second = migrating.run()

    assert (first.replayed, first.ordinary, first.failed) == (["t_acme", "t_beta"], [], {})
    assert not second.changed
    for schema in ("t_acme", "t_beta"):
        made, migrated = catalog(schema), catalog(TEMPLATE_SCHEMA)
        assert {kind: made[kind] for kind in ("columns", "indexes", "constraints")} == {
            kind: migrated[kind] for kind in ("columns", "indexes", "constraints")
        }
        assert KEY in drift.states([schema])[schema].applied
    assert len(set(Tenant.objects.values_list("release_hash", flat=True))) == 1


def test_a_tenant_made_afterwards_has_it_too(deployed):
    deployed(*nickname())
    migrating.run()

    tenant = provisioning.create(name="Nova", slug="nova", wait=True)

    assert "nickname" in columns("t_nova")
    assert not migrating.run().changed
    assert tenant.status == "active"


def test_one_tenant_that_fails_does_not_keep_the_others_and_is_tried_again(deployed, capsys):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE t_acme.accounts_user ADD COLUMN nickname text")
    deployed(*nickname())

    with pytest.raises(CommandError) as failed:
        call_command("migrate", verbosity=1)

    assert failed.value.returncode == 1
    assert "t_acme: DuplicateColumn" in str(failed.value)
    assert "nickname" in columns("t_beta")
    assert KEY not in drift.states(["t_acme"])["t_acme"].applied
    job = TenantJob.objects.get(kind=JobKind.MIGRATE)
    assert (job.tenant.slug, job.state, "DuplicateColumn" in job.error) == ("acme", JobState.FAILED, True)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE t_acme.accounts_user DROP COLUMN nickname")
    again = migrating.run()
    assert (again.replayed, again.failed) == (["t_acme"], {})


def test_what_sql_cannot_say_goes_the_ordinary_way(deployed):
    seen = []
    deployed(*nickname(), migrations.RunPython(lambda apps, editor: seen.append(editor.connection.schema_name)))

    report = migrating.run()

    assert (report.replayed, report.ordinary, report.failed) == ([], ["t_acme", "t_beta"], {})
    assert seen == ["public", TEMPLATE_SCHEMA, "t_acme", "t_beta"]
    assert "nickname" in columns("t_beta")


def test_a_locked_table_is_waited_for_and_then_reported(deployed, monkeypatch):
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(migrating, "LOCK_ATTEMPTS", 2)
    deployed(*nickname())
    with template.fresh_connection() as reader, reader.transaction():
        reader.execute("LOCK TABLE t_beta.accounts_user IN ACCESS SHARE MODE")

        report = migrating.run()

    assert report.replayed == ["t_acme"]
    assert list(report.failed) == ["t_beta"]
    assert "LockNotAvailable" in report.failed["t_beta"]


def test_reference_rows_follow_the_template_and_the_tenants_own_roles_stay():
    with schema_context("t_beta"):
        Role.objects.get(slug="owner").permissions.clear()
        Role.objects.get(slug="viewer").permissions.set(Permission.objects.all())
        own = Role.objects.create(slug="night-shift", name="Night shift")
        own.permissions.set(Permission.objects.all()[:3])
    Tenant.objects.filter(slug="beta").update(release_hash="old")

    report = migrating.run()

    assert (report.references, report.replayed) == (["t_beta"], [])
    facts = {}
    for schema in ("t_beta", TEMPLATE_SCHEMA):
        with schema_context(schema):
            facts[schema] = (
                list(ContentType.objects.order_by("pk").values_list("pk", "app_label", "model")),
                list(Permission.objects.order_by("pk").values_list("pk", "codename", "name")),
                sorted(Role.objects.filter(built_in=True).values_list("pk", "slug", "permissions"), key=str),
            )
    assert facts["t_beta"] == facts[TEMPLATE_SCHEMA]
    with schema_context("t_beta"):
        assert own.permissions.count() == 3


def test_one_question_tells_how_far_everybody_is(django_assert_num_queries):
    with django_assert_num_queries(4):  # enter public; which exist, what they have, what release they are
        states = drift.states(["t_acme", "t_beta", TEMPLATE_SCHEMA, "t_nobody"])

    assert set(states) == {"t_acme", "t_beta", TEMPLATE_SCHEMA}
    assert len({state.applied for state in states.values()}) == 1


def test_a_particular_call_goes_schema_by_schema_and_renews_the_script():
    before = template.current().pk

    call_command("migrate", "accounts", verbosity=0)

    assert template.current().pk != before
    assert not migrating.run().changed


def test_orphans_are_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_orphan")

    assert drift.orphans() == ["t_orphan"]

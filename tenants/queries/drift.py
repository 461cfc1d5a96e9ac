"""How far every schema is behind the code: one question for a hundred schemas."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import schema_context

from ops.kernel.registry import permissions
from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, TenantStatus
from tenants.models import Tenant

SCHEMAS_A_QUESTION = 100
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """One schema: the migrations it has, and the release its reference rows were last brought in step with."""

    schema: str
    applied: frozenset[Key]
    release_hash: str


def on_disk(loader: MigrationLoader | None = None) -> dict[str, frozenset[Key]]:
    """Migrations each kind of schema should have: `public` and `tenant`.

    django-tenants records every migration in every schema (the router only skips its operations), so both kinds
    should have all of them.
    """
    loader = loader or MigrationLoader(None, ignore_no_migrations=True)
    every = frozenset(loader.disk_migrations or {})
    return {"public": every, "tenant": every}


def release_hash(loader: MigrationLoader | None = None) -> str:
    """One word for what schemas should look like: migrations, content types, permissions and who holds them."""
    facts = [f"migration {app}.{name}" for app, name in on_disk(loader)["tenant"]]
    for model in apps.get_models():
        options = model._meta
        facts.append(f"model {options.label_lower}")
        facts += [f"default {options.label_lower} {action}" for action in options.default_permissions]
        facts += [f"permission {options.label_lower} {codename} {name}" for codename, name in options.permissions]
    facts += [f"grant {item.codename} {','.join(sorted(item.roles))}" for item in permissions]
    facts += [f"tenant app {name}" for name in settings.TENANT_APPS]
    return hashlib.sha256("\n".join(sorted(facts)).encode()).hexdigest()


def states(schemas: Iterable[str]) -> dict[str, State]:
    """Applied migrations of each schema that exists; a schema without the table has none."""
    wanted = list(schemas)
    with schema_context(PUBLIC_SCHEMA), connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'django_migrations')"
            " FROM pg_namespace n WHERE n.nspname = ANY(%s)",
            [wanted],
        )
        has_table = dict(cursor.fetchall())
        applied: dict[str, list[str]] = {schema: [] for schema, has in has_table.items() if not has}
        asked = [schema for schema in wanted if has_table.get(schema)]
        for start in range(0, len(asked), SCHEMAS_A_QUESTION):
            # Whole lists are sent only once: schemas in step with each other share one fingerprint.
            part = asked[start : start + SCHEMAS_A_QUESTION]
            cursor.execute(
                # Schema names are our own words, checked when they were made.
                "WITH rows AS ("  # noqa: S608
                + " UNION ALL ".join(
                    f"SELECT '{schema}' AS schema, string_agg(app || '.' || name, ',' ORDER BY app, name) AS done"  # noqa: S608
                    f' FROM "{schema}".django_migrations'
                    for schema in part
                )
                + ") SELECT array_agg(schema), done FROM rows GROUP BY done"
            )
            for names, done in cursor.fetchall():
                applied |= {name: done.split(",") if done else [] for name in names}
        hashes = dict(Tenant.objects.filter(schema_name__in=wanted).values_list("schema_name", "release_hash"))
    memo: dict[str, frozenset[Key]] = {}
    found = {}
    for schema, done in applied.items():
        text = ",".join(done)
        if text not in memo:
            memo[text] = frozenset(_key(entry) for entry in done)
        found[schema] = State(schema, memo[text], hashes.get(schema, ""))
    return found


def _key(entry: str) -> Key:
    app, _, name = entry.partition(".")
    return app, name


def tenant_schemas() -> list[str]:
    """Schemas that should exist and be kept up to date, without the template, in the order tenants came."""
    with schema_context(PUBLIC_SCHEMA):
        rows = Tenant.objects.customers().exclude(status=TenantStatus.DELETED).order_by("created_at", "pk")
        return list(rows.values_list("schema_name", flat=True))


def orphans() -> list[str]:
    """Schemas of our naming that no tenant row names."""
    with schema_context(PUBLIC_SCHEMA), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace n WHERE starts_with(nspname, 't_')"
            " AND NOT EXISTS (SELECT FROM public.tenants_tenant t WHERE t.schema_name = n.nspname AND t.status <> 'deleted')"
            " ORDER BY nspname"
        )
        return [row[0] for row in cursor.fetchall()]


__all__ = ["TEMPLATE_SCHEMA", "State", "on_disk", "orphans", "release_hash", "states", "tenant_schemas"]

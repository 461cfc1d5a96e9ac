"""Built-in roles, kept in step with the permissions the apps declare."""

import logging
from collections.abc import Iterable

from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import translation

from ops.kernel.registry import permissions
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import Role

log = logging.getLogger(__name__)


def takes_seat(codenames: Iterable[str]) -> bool:
    """Whether one of these permissions is what a plan counts agents for."""
    held = set(codenames)
    return any(definition.seated and definition.codename in held for definition in permissions)


def granted_to(role: str) -> set[str]:
    """Names `app.codename` the apps declare for one built-in role."""
    return {definition.codename for definition in permissions if role in definition.roles}


@transaction.atomic
def sync() -> None:
    """Make the built-in roles of the current schema hold exactly what the apps declare for them.

    Idempotent, and quiet when nothing changed. It runs after `migrate` in every schema; whoever brings a schema
    up to date without `migrate` (a prepared script, a restored backup) calls it there.
    """
    name = Concat(F("content_type__app_label"), Value("."), F("codename"))
    keys: dict[str, int] = dict(Permission.objects.annotate(full=name).order_by().values_list("full", "pk"))
    roles = {role.slug: role for role in Role.objects.prefetch_related("permissions")}
    for built_in in BuiltInRole:
        # Names are stored once in English and translated where they are shown.
        with translation.override("en"):
            title = str(built_in.label)
        role = roles.get(built_in.value)
        if role is None:
            role = Role.objects.create(slug=built_in.value, name=title, built_in=True)
            held: set[int] = set()
        else:
            held = {permission.pk for permission in role.permissions.all()}
            if role.name != title or not role.built_in:
                role.name, role.built_in = title, True
                role.save(update_fields=["name", "built_in", "updated_at"])
        declared = granted_to(built_in.value)
        if role.seated != takes_seat(declared):
            role.seated = takes_seat(declared)
            role.save(update_fields=["seated", "updated_at"])
        missing = declared - keys.keys()
        if missing:
            log.warning("Permissions declared but not in this schema: %s", ", ".join(sorted(missing)))
        wanted = {keys[codename] for codename in declared & keys.keys()}
        if wanted != held:
            role.permissions.set(wanted)
            Role.objects.filter(pk=role.pk).update(revision=F("revision") + 1)


def stand_ready() -> bool:
    """Whether the current schema itself has the tables of roles (public is visible from every tenant)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename IN (%s, %s, %s)",
            [
                connection.schema_name,
                Role._meta.db_table,
                Role.permissions.through._meta.db_table,
                Permission._meta.db_table,
            ],
        )
        return cursor.fetchone()[0] == 3

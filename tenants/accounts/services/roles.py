"""Roles: the built-in ones, kept in step with the permissions the apps declare, and those a tenant makes itself.

Nobody gives, takes or changes what their own role does not hold, so no chain of changes leads upwards. A change counts at
once: the next request reads the role's revision with the person, and open sockets are told to look again.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import F, ManyToOneRel
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from ops.kernel.registry import permissions
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.errors import (
    MoreThanYours,
    OwnerOnly,
    RoleFixed,
    RoleInUse,
    RoleNotFound,
    RoleTaken,
    TooManyRoles,
    UnknownRole,
)
from tenants.accounts.models import IdentityProvider, Role, User
from tenants.accounts.queries import roles as queries
from tenants.accounts.services import seats, sessions, users

log = logging.getLogger(__name__)

MOST = 40
NAME_MAX, DESCRIPTION_MAX = 80, 200


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
    keys = _keys()
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


# --- Roles a tenant makes ---


@transaction.atomic
def create(
    *, name: str, codenames: Iterable[str], by: Any, now: datetime, description: str = "", like: Role | None = None
) -> Role:
    """A new role; a copy of `like` asks for a second factor when that one does. Raises `RoleTaken`, `TooManyRoles`, `MoreThanYours`, or `Invalid` naming the field."""
    users.one_at_a_time()
    wanted = _known(codenames)
    _require_own(by, wanted)
    name = _free_name(name, but=None)
    if Role.objects.count() >= MOST:
        raise TooManyRoles(limit=MOST)
    role = Role.objects.create(
        slug=_free_slug(name),
        name=name,
        description=_description(description),
        seated=takes_seat(wanted),
        second_factor_from=like.second_factor_from if like is not None else None,
    )
    keys = _keys()
    role.permissions.set(keys[codename] for codename in wanted)
    audit.record("accounts.role_created", by=by, on=role, detail={"permissions": sorted(wanted)}, now=now)
    return role


@transaction.atomic
def change(
    *,
    role_id: UUID,
    by: Any,
    now: datetime,
    name: str | None = None,
    description: str | None = None,
    codenames: Iterable[str] | None = None,
) -> Role:
    """Change a role; what is `None` stays. It counts at once for everybody who has it.

    Raises `RoleFixed` for a built-in one, `MoreThanYours` when what comes or goes is not held by who asks, the plan's
    refusal when the role begins to take seats, and what `create` raises.
    """
    users.one_at_a_time()
    role = _locked(role_id)
    before = {
        "name": role.name,
        "description": role.description,
        "permissions": sorted(queries.held_by([role])[role.pk]),
    }
    held = set(before["permissions"])
    wanted = held if codenames is None else _known(codenames)
    _require_own(by, held ^ wanted)
    if name is not None:
        role.name = _free_name(name, but=role)
    if description is not None:
        role.description = _description(description)
    if wanted != held:
        seated = takes_seat(wanted)
        if seated and not role.seated:
            seats.require(role.users.active().members().count())
        role.seated, role.revision = seated, role.revision + 1
        keys = _keys()
        role.permissions.set(keys[codename] for codename in wanted if codename in keys)
    role.save(update_fields=["name", "description", "seated", "revision", "updated_at"])
    after = {"name": role.name, "description": role.description, "permissions": sorted(wanted)}
    if after == before:
        return role
    _tell_holders(role)
    audit.record(
        "accounts.role_edited",
        by=by,
        on=role,
        detail={
            "before": before,
            "after": after,
            "added": sorted(wanted - held),
            "removed": sorted(held - wanted),
        },
        now=now,
    )
    return role


@transaction.atomic
def delete(*, role_id: UUID, by: Any, now: datetime, move_to: str = "") -> None:
    """Delete a role; its people, invitations, service tokens and login services get the role `move_to`.

    Raises `RoleFixed`, `RoleInUse` when somebody has it and no other role is named, `MoreThanYours`, `UnknownRole`.
    """
    users.one_at_a_time()
    role = _locked(role_id)
    held = queries.held_by([role])[role.pk]
    _require_own(by, held)
    heirs = _heir(role, move_to, by) if move_to else None
    moved = _hand_over(role, heirs)
    _tell_holders(heirs)
    audit.record(
        "accounts.role_deleted",
        by=by,
        on=role,
        detail={"permissions": sorted(held), "move_to": heirs.slug if heirs else "", "people": moved},
        now=now,
    )
    role.delete()


def _heir(role: Role, move_to: str, by: Any) -> Role:
    heir = Role.objects.filter(slug=move_to).exclude(pk=role.pk).first()
    if heir is None:
        raise UnknownRole(field="move_to")
    _require_own(by, queries.held_by([heir])[heir.pk])
    if heir.slug == BuiltInRole.OWNER and isinstance(by, User) and not (by.role and by.role.slug == BuiltInRole.OWNER):
        raise OwnerOnly
    if heir.seated and not role.seated:
        seats.require(role.users.active().members().count())
    return heir


def _hand_over(role: Role, heir: Role | None) -> list[str]:
    """Everything that points at the role points at its heir; says which people. Raises `RoleInUse` without an heir."""
    people = list(role.users.order_by("email").values_list("email", flat=True))
    for relation in Role._meta.get_fields(include_hidden=True):
        # Whatever table names a role is found here, also those that apps add later; not the role's own permissions.
        if not isinstance(relation, ManyToOneRel) or relation.related_model._meta.auto_created:
            continue
        rows = relation.related_model._base_manager.filter(**{relation.field.name: role})
        if heir is not None:
            rows.update(**{relation.field.name: heir})
        elif rows.exists():
            raise RoleInUse
    # Login services name roles by their short name.
    for provider in IdentityProvider.objects.all():
        if any(pair.get("role") == role.slug for pair in provider.group_roles):
            if heir is None:
                raise RoleInUse
            provider.group_roles = [
                {**pair, "role": heir.slug} if pair.get("role") == role.slug else pair for pair in provider.group_roles
            ]
            provider.save(update_fields=["group_roles", "updated_at"])
    return people


def _tell_holders(role: Role | None) -> None:
    if role is not None:
        for key in User.everyone.filter(role=role).values_list("pk", flat=True):
            sessions.tell_sockets(key)
        for key in role.api_tokens.values_list("user_id", flat=True):
            sessions.tell_sockets(key)


def _locked(role_id: UUID) -> Role:
    role = Role.objects.select_for_update().filter(pk=role_id).first()
    if role is None:
        raise RoleNotFound
    if role.built_in:
        raise RoleFixed
    return role


def _keys() -> dict[str, int]:
    rows = Permission.objects.annotate(full=queries.FULL_NAME).order_by()
    return dict(rows.values_list("full", "pk"))


def _known(codenames: Iterable[str]) -> set[str]:
    wanted = set(codenames)
    unknown = sorted(one for one in wanted if one not in permissions)
    if unknown:
        words = _("There is no permission %(name)s.") % {"name": unknown[0][:100]}
        raise Invalid(errors=[FieldError("permissions", "unknown_permission", words)])
    return wanted


def _require_own(by: Any, concerned: Iterable[str]) -> None:
    own = queries.gives(by)
    # What this release no longer knows may go: nobody holds it any more.
    more = set() if own is None else {one for one in concerned if one in permissions} - own
    if more:
        raise MoreThanYours(more, field="permissions")


def _free_name(name: str, *, but: Role | None) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= NAME_MAX:
        raise Invalid(errors=[FieldError("name", "invalid", _("Give the role a name of at most 80 letters."))])
    others = Role.objects.exclude(pk=but.pk) if but is not None else Role.objects.all()
    taken = {one.name.casefold() for one in others} | {one.label.casefold() for one in others}
    if name.casefold() in taken:
        raise RoleTaken(field="name")
    return name


def _free_slug(name: str) -> str:
    base = slugify(name)[:32].strip("-") or "role"
    taken = set(Role.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | set(BuiltInRole.values)
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, MOST + 10))) if slug not in taken)


def _description(text: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if len(text) > DESCRIPTION_MAX:
        raise Invalid(errors=[FieldError("description", "invalid", _("Use at most 200 letters."))])
    return text

"""Roles of the current schema: what they hold, who holds them, and which of them somebody may give."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Case, F, IntegerField, Value, When
from django.db.models.functions import Concat, Lower

from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import Role, User
from tenants.enums import PUBLIC_SCHEMA

FULL_NAME = Concat(F("content_type__app_label"), Value("."), F("codename"))


def in_order() -> Any:
    """Built-in roles as they are declared, then the others by name."""
    places = [When(slug=slug, then=Value(place)) for place, slug in enumerate(BuiltInRole.values)]
    return Role.objects.annotate(place=Case(*places, default=Value(len(places)), output_field=IntegerField())).order_by(
        "place", Lower("name"), "pk"
    )


def choices() -> list[tuple[str, str]]:
    """Short name and name of every role."""
    return [(role.slug, role.label) for role in in_order()]


def held_by(roles: Iterable[Role]) -> dict[Any, frozenset[str]]:
    """What each role holds, as `app.codename`, in one question."""
    found: dict[Any, set[str]] = {role.pk: set() for role in roles}
    pairs = Permission.objects.filter(roles__in=list(found)).annotate(full=FULL_NAME).order_by()
    for key, name in pairs.values_list("roles", "full"):
        if key in found:
            found[key].add(name)
    return {key: frozenset(names) for key, names in found.items()}


def gives(by: Any) -> frozenset[str] | None:
    """What somebody may give to others: what they hold themselves, read now. Nothing means no limit.

    Commands and the platform's own people are not bound by a tenant's role.
    """
    if not isinstance(by, User) or by.is_platform_admin or not _is_of_this_schema(by):
        return None
    if connection.schema_name == PUBLIC_SCHEMA:
        return None  # a reseller's people may what their membership says; the role they carry opens nothing
    if by.token is not None:
        return frozenset(by.get_all_permissions())
    role = Role.objects.filter(users=by.pk, users__is_active=True).first()
    return held_by([role])[role.pk] if role is not None else frozenset()


def _is_of_this_schema(by: User) -> bool:
    """Somebody of the platform who works on a tenant from the console has no role here."""
    return connection.schema_name == "public" or User.objects.filter(pk=by.pk).exists()


def choices_for(by: Any) -> list[tuple[str, str]]:
    """The roles somebody may give: none that holds what they do not, and owners only for owners."""
    roles = list(in_order())
    own = gives(by)
    if own is None:
        return [(role.slug, role.label) for role in roles]
    held = held_by(roles)
    is_owner = by.role is not None and by.role.slug == BuiltInRole.OWNER
    return [
        (role.slug, role.label)
        for role in roles
        if held[role.pk] <= own and (is_owner or role.slug != BuiltInRole.OWNER)
    ]

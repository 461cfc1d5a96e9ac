"""The page of roles: what every role allows, in the words of the apps, grouped as people think of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from ops.kernel.registry import PermissionDef, permission_areas, permissions
from tenants.accounts.models import Role
from tenants.accounts.queries import roles as queries


@dataclass(slots=True)
class Line:
    """One permission: its words, and for each role of the page whether it holds it."""

    name: str
    label: str
    hint: str
    seated: bool
    held: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """An area and its permissions; `first` begins another group."""

    key: str
    label: str
    group: str
    first: bool
    lines: list[Line]


def sections(held: Iterable[frozenset[str]] = (), *, only: frozenset[str] | None = None) -> list[Section]:
    """Every permission in its area, and for each given set of names whether it is in it; `only` leaves out the others."""
    sets = list(held)
    found: list[Section] = []
    for key, label, group in _areas():
        lines = [
            Line(one.codename, str(one.label), str(one.hint), one.seated, [one.codename in names for names in sets])
            for one in permissions
            if _area_of(one) == key and (only is None or one.codename in only)
        ]
        if lines:
            found.append(Section(key, label, group, not found or found[-1].group != group, lines))
    return found


def columns() -> list[Any]:
    """Every role in its order with how many active people and live service tokens have it."""
    people = Count("users", filter=Q(users__is_active=True, users__support_person_id=None), distinct=True)
    tokens = Count("api_tokens", filter=Q(api_tokens__revoked_at=None), distinct=True)
    return list(queries.in_order().annotate(people=people, tokens=tokens))


def held_by(roles: Iterable[Role]) -> list[frozenset[str]]:
    """What each of them holds, in their order."""
    rows = list(roles)
    held = queries.held_by(rows)
    return [held[role.pk] for role in rows]


def _areas() -> list[tuple[str, str, str]]:
    named = [(key, str(area.label), str(area.group)) for key, area in permission_areas.items()]
    return [*named, ("", _("Other"), _("Other"))]


def _area_of(one: PermissionDef) -> str:
    return one.area if one.area in permission_areas else ""

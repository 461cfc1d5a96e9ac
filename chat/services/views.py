"""Saved views: lists of conversations with their filters, under a name."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.enums import Priority, Scope, Status
from chat.models import SavedView
from chat.queries import inbox
from chat.services import canned, catalogue
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid

PERMISSION = "chat.manage_view"
MOST_VALUES = 20


@transaction.atomic
def create(
    *,
    name: str,
    by: Any,
    filters: dict[str, Any],
    sort: str = "",
    position: int = 0,
    scope: str = Scope.PERSON,
    team: UUID | None = None,
    now: datetime | None = None,
) -> SavedView:
    """Keep a list under a name. Raises `Invalid`, `PermissionRefused` for others' without the permission."""
    view = SavedView()
    canned.belong(view, scope=scope, team=team, by=by, permission=PERMISSION)
    _fill(view, name=name, filters=filters, sort=sort, position=position)
    view.save()
    if view.scope != Scope.PERSON:
        audit.record("chat.view_created", by=by, on=view, now=now)
    catalogue.changed("views")
    return view


@transaction.atomic
def change(
    *,
    view: SavedView,
    by: Any,
    scope: str | None = None,
    team: UUID | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> SavedView:
    """Change a view, or whose it is. Raises `Invalid`, `PermissionRefused`."""
    canned.refuse_others(view, by=by, permission=PERMISSION)
    if scope is not None:
        canned.belong(view, scope=scope, team=team, by=by, permission=PERMISSION)
    _fill(view, **fields)
    view.save()
    if view.scope != Scope.PERSON:
        audit.record("chat.view_changed", by=by, on=view, detail={"fields": sorted(fields)}, now=now)
    catalogue.changed("views")
    return view


@transaction.atomic
def delete(*, view: SavedView, by: Any, now: datetime | None = None) -> None:
    """Remove a view; no conversation is touched. Raises `PermissionRefused`."""
    canned.refuse_others(view, by=by, permission=PERMISSION)
    if view.scope != Scope.PERSON:
        audit.record("chat.view_deleted", by=by, on=view, now=now)
    view.delete()
    catalogue.changed("views")


def _fill(view: SavedView, **fields: Any) -> None:
    if "name" in fields:
        fields["name"] = " ".join(fields["name"].split())
        if not fields["name"] or len(fields["name"]) > 60:
            raise Invalid(field="name")
    if "sort" in fields and fields["sort"] not in {"", *inbox.SORTS}:
        raise Invalid(field="sort")
    if "filters" in fields:
        fields["filters"] = _filters(fields["filters"])
    for name, value in fields.items():
        setattr(view, name, value)


def _filters(given: dict[str, Any]) -> dict[str, Any]:
    """Filters as the list understands them. Raises `Invalid` naming the one that is wrong."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        field = f"filters.{name}"[:100]
        if name in {"status", "priority"}:
            known = Status.values if name == "status" else Priority.values
            if not isinstance(value, list) or not value or not set(map(str, value)) <= set(known):
                raise Invalid(field=field)
            kept[name] = sorted(set(value))
        elif name == "label":
            if not isinstance(value, list) or not value or len(value) > MOST_VALUES or not all(map(_is_uuid, value)):
                raise Invalid(field=field)
            kept[name] = sorted(set(value))
        elif name in {"assignee", "team"}:
            if value not in {"me", "none", "mine"} and not _is_uuid(value):
                raise Invalid(field=field)
            kept[name] = value
        elif name in {"inbox", "contact"}:
            if not _is_uuid(value):
                raise Invalid(field=field)
            kept[name] = value
        elif name in {"unread", "mentioned", "spam"}:
            if not isinstance(value, bool):
                raise Invalid(field=field)
            kept[name] = value
        elif name == "q":
            if not isinstance(value, str) or not value.strip() or len(value) > 100:
                raise Invalid(field=field)
            kept[name] = value.strip()
        else:
            raise Invalid(field=field)
    return kept


def _is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True

"""Macros: several steps an agent does to a conversation by one click."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from chat.models import Macro
from chat.services import rule_checks, rulebook
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, NotFound, PermissionRefused
from ops.kernel.ids import uuid7

MOST_MACROS = 500
FIELDS = {"name", "description", "steps", "shared"}


class MacroNotFound(NotFound):
    """No such macro, or it is somebody else's own."""

    code = "macro_not_found"
    message = _("This macro does not exist, or it is not yours.")


class NotYourMacro(PermissionRefused):
    """Macros of the team are changed by those who may."""

    code = "not_your_macro"
    message = _("Only people who set up macros can change those of the whole team.")


@transaction.atomic
def create(*, by: Any, now: datetime, shared: bool = False, **fields: Any) -> Macro:
    """Add a macro: one's own, or the team's with the permission for it. Raises `Invalid`, `NotYourMacro`."""
    if Macro.objects.count() >= MOST_MACROS:
        raise Invalid(_("There can be up to %(limit)s macros.") % {"limit": MOST_MACROS})
    macro = Macro(owner=by, shared=shared)
    _refuse_strangers(macro, by)
    _fill(macro, fields)
    macro.save()
    audit.record("chat.macro_created", by=by, on=macro, now=now)
    return macro


@transaction.atomic
def change(*, macro: Macro, by: Any, now: datetime, **fields: Any) -> Macro:
    """Change a macro. Raises `Invalid`, `NotYourMacro`."""
    _refuse_strangers(macro, by)
    _fill(macro, fields)
    _refuse_strangers(macro, by)
    macro.save()
    audit.record("chat.macro_changed", by=by, on=macro, detail={"fields": sorted(fields)}, now=now)
    return macro


@transaction.atomic
def delete(*, macro: Macro, by: Any, now: datetime) -> None:
    """Remove a macro. Raises `NotYourMacro`."""
    _refuse_strangers(macro, by)
    audit.record("chat.macro_deleted", by=by, on=macro, now=now)
    macro.delete()


@transaction.atomic
def run(*, macro_id: UUID, conversation_id: UUID, by: Any, now: datetime) -> list[dict[str, Any]]:
    """Do its steps in this person's name; says how each went. Raises `MacroNotFound`."""
    macro = Macro.objects.usable_by(by).filter(pk=macro_id).first()
    if macro is None:
        raise MacroNotFound()
    doing = rulebook.Doing(conversation_id, now, by=by, source=f"macro:{uuid7()}")
    results = rulebook.perform(macro.steps, doing=doing)
    Macro.objects.filter(pk=macro.pk).update(used_count=F("used_count") + 1)
    return results


def _refuse_strangers(macro: Macro, by: Any) -> None:
    if macro.shared and not by.has_perm("chat.manage_macro"):
        raise NotYourMacro()
    if not macro.shared and macro.owner_id != by.pk:
        raise MacroNotFound()


def _fill(macro: Macro, fields: dict[str, Any]) -> None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"These are no fields of a macro: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(macro, name, value.strip() if isinstance(value, str) else value)
    if not macro.name:
        raise Invalid(_("Give it a name."), field="name")
    if "steps" in fields or not macro.steps:
        macro.steps = rule_checks.checked_actions(fields.get("steps", []), at="steps", by_people=True)

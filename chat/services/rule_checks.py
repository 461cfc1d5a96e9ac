"""Conditions and actions as people save them: what does not fit the rulebook is refused where it stands."""

from typing import Any

from django.utils.translation import gettext as _

from chat.services import messages, rulebook
from ops.kernel.errors import FieldError, Invalid

TEXT_LIMIT = 500
MOST_SNOOZE_MIN = 60 * 24 * 365


def checked_conditions(given: Any) -> list[dict[str, Any]]:
    """Conditions as they are stored. Raises `Invalid` naming the one that is wrong."""
    if not isinstance(given, list) or len(given) > rulebook.MOST_CONDITIONS:
        raise Invalid(_("Up to %(limit)s conditions.") % {"limit": rulebook.MOST_CONDITIONS}, field="conditions")
    return [_checked_condition(position, one) for position, one in enumerate(given)]


def _checked_condition(position: int, one: Any) -> dict[str, Any]:
    at = f"conditions.{position}"
    if not isinstance(one, dict) or not set(one) <= {"field", "op", "value"}:
        raise _refuse(at, _("A condition has a field, a comparison and a value."))
    name = str(one.get("field", ""))
    asked = rulebook.FIELDS.get(name)
    if asked is None:
        raise _refuse(f"{at}.field", _("Choose what to ask about."))
    op = str(one.get("op", ""))
    if op not in rulebook.OPS[asked.kind]:
        raise _refuse(f"{at}.op", _("Choose a comparison that fits."))
    if op in rulebook.WITHOUT_VALUE:
        return {"field": name, "op": op}
    return {"field": name, "op": op, "value": _value(f"{at}.value", asked.kind, asked.choices, one.get("value"))}


def checked_actions(given: Any, *, at: str = "actions", by_people: bool = False) -> list[dict[str, Any]]:
    """Actions as they are stored. Raises `Invalid` naming the one that is wrong."""
    if not isinstance(given, list) or not given:
        raise Invalid(_("Add at least one action."), field=at)
    if len(given) > rulebook.MOST_ACTIONS:
        raise Invalid(_("Up to %(limit)s actions.") % {"limit": rulebook.MOST_ACTIONS}, field=at)
    return [_checked_action(f"{at}.{position}", one, by_people) for position, one in enumerate(given)]


def _checked_action(at: str, one: Any, by_people: bool) -> dict[str, Any]:
    name = str(one.get("do", "")) if isinstance(one, dict) else ""
    action = rulebook.ACTIONS.get(name)
    if action is None or (action.only_people and not by_people):
        raise _refuse(f"{at}.do", _("Choose what to do."))
    if not action.value:
        if set(one) != {"do"}:
            raise _refuse(at, _("This action needs nothing else."))
        return {"do": name}
    if not set(one) <= {"do", action.value}:
        raise _refuse(at, _("This action knows no such value."))
    return {
        "do": name,
        action.value: _value(f"{at}.{action.value}", action.kind, action.choices, one.get(action.value)),
    }


def _value(at: str, kind: str, choices: rulebook.Choices | None, value: Any) -> Any:
    if choices is not None:
        if str(value) not in {key for key, _label in choices()}:
            raise _refuse(at, _("Choose one from the list."))
        return str(value)
    if kind == "number":
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_SNOOZE_MIN:
            raise _refuse(at, _("Write a number."))
        return value
    text = str(value).strip() if isinstance(value, str) else ""
    if not text:
        raise _refuse(at, _("Write something."))
    limit = messages.BODY_LIMIT if at.startswith(("actions", "steps")) else TEXT_LIMIT
    if len(text) > limit:
        raise _refuse(at, _("Up to %(limit)s characters.") % {"limit": limit})
    return text


def _refuse(at: str, detail: str) -> Invalid:
    return Invalid(errors=[FieldError(at, "invalid", str(detail))])

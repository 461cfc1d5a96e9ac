"""Rules and macros: lists, and a builder that works as a plain form and gets quicker with htmx.

Every change of the builder posts the whole form; the answer is the same page with one row more or less, or with the
value that fits what was chosen. Only the button that saves calls a service.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import Match, Trigger
from chat.models import AutomationRule, Macro
from chat.queries import inbox as list_queries
from chat.services import automation, macros, rule_checks, rulebook
from ops.kernel.errors import DomainError

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
RUNS_SHOWN = 20
TRIED_SHOWN = 10

Row = dict[str, Any]


def _rows(data: Any, prefix: str, most: int) -> list[Row]:
    """Rows of a posted list: `c-0-field`, `c-0-op`, `c-0-value`."""
    try:
        count = min(int(data.get(f"{prefix}-count", "0")), most)
    except ValueError:
        count = 0
    return [
        {name: data.get(f"{prefix}-{number}-{name}", "") for name in ("what", "op", "value")} for number in range(count)
    ]


def _moved(rows: list[Row], wish: str, prefix: str, most: int) -> list[Row]:
    """The rows after a button of the list was pressed."""
    if wish == f"{prefix}-add" and len(rows) < most:
        return [*rows, {"what": "", "op": "", "value": ""}]
    verb, _sep, number = wish.removeprefix(f"{prefix}-").partition("-")
    if not wish.startswith(f"{prefix}-") or not number.isdigit() or int(number) >= len(rows):
        return rows
    at = int(number)
    if verb == "remove":
        return rows[:at] + rows[at + 1 :]
    if verb == "up" and at:
        return [*rows[: at - 1], rows[at], rows[at - 1], *rows[at + 1 :]]
    return rows


def _stored_conditions(rows: list[Row]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        asked = rulebook.FIELDS.get(row["what"])
        one: dict[str, Any] = {"field": row["what"], "op": row["op"]}
        if asked is not None and row["op"] not in rulebook.OPS[asked.kind]:
            one["op"] = rulebook.OPS[asked.kind][0]
        if one["op"] not in rulebook.WITHOUT_VALUE:
            one["value"] = row["value"]
        found.append(one)
    return found


def _stored_actions(rows: list[Row]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        action = rulebook.ACTIONS.get(row["what"])
        one: dict[str, Any] = {"do": row["what"]}
        if action is not None and action.value:
            one[action.value] = row["value"]
        found.append(one)
    return found


def _condition_rows(conditions: list[Mapping[str, Any]]) -> list[Row]:
    return [
        {"what": one.get("field", ""), "op": one.get("op", ""), "value": one.get("value", "")} for one in conditions
    ]


def _action_rows(actions: list[Mapping[str, Any]]) -> list[Row]:
    rows = []
    for one in actions:
        action = rulebook.ACTIONS.get(str(one.get("do")))
        rows.append({"what": one.get("do", ""), "op": "", "value": one.get(action.value, "") if action else ""})
    return rows


def _choices(given: Any, chosen: str) -> list[dict[str, Any]]:
    return [{"value": str(key), "label": label, "chosen": str(key) == str(chosen)} for key, label in given]


def _draw_conditions(rows: list[Row], problems: Mapping[str, str]) -> list[Row]:
    drawn = []
    for number, row in enumerate(rows):
        asked = rulebook.FIELDS.get(row["what"])
        ops = rulebook.OPS[asked.kind] if asked is not None else ()
        op = row["op"] if row["op"] in ops else (ops[0] if ops else "")
        needs = asked is not None and op not in rulebook.WITHOUT_VALUE
        drawn.append(
            {
                "number": number,
                "fields": _choices(((key, one.label) for key, one in rulebook.FIELDS.items()), row["what"]),
                "ops": _choices(((key, rulebook.OP_LABELS[key]) for key in ops), op),
                "needs": needs,
                "kind": asked.kind if asked is not None else "",
                "choices": _choices(asked.choices(), row["value"]) if asked is not None and asked.choices else None,
                "value": row["value"],
                "error": _error_of(problems, f"conditions.{number}"),
            }
        )
    return drawn


def _draw_actions(rows: list[Row], problems: Mapping[str, str], *, at: str, by_people: bool) -> list[Row]:
    known = {key: one for key, one in rulebook.ACTIONS.items() if by_people or not one.only_people}
    drawn = []
    for number, row in enumerate(rows):
        action = known.get(row["what"])
        drawn.append(
            {
                "number": number,
                "fields": _choices(((key, one.label) for key, one in known.items()), row["what"]),
                "needs": action is not None and bool(action.value),
                "kind": action.kind if action is not None else "",
                "choices": _choices(action.choices(), row["value"]) if action is not None and action.choices else None,
                "value": row["value"],
                "error": _error_of(problems, f"{at}.{number}"),
            }
        )
    return drawn


def _error_of(problems: Mapping[str, str], at: str) -> str:
    return next((words for field, words in problems.items() if field == at or field.startswith(f"{at}.")), "")


def _problems(error: DomainError) -> dict[str, str]:
    return {one.field: one.detail for one in error.errors} or {"": str(error)}


# --- Rules ---------------------------------------------------------------------------------------------


@require_safe
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule, in the order they run."""
    rows = [
        {"row": row, "actions": rulebook.in_words(row.actions)}
        for row in AutomationRule.objects.order_by("position", "pk")
    ]
    return render(request, "chat/flow/rules.html", {"rows": rows})


@GET_OR_POST
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def rule_form(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Build a rule, try it, and read its log."""
    rule = get_object_or_404(AutomationRule, pk=pk) if pk is not None else None
    problems: dict[str, str] = {}
    tried: list[dict[str, Any]] | None = None
    if request.method == "POST":
        wish = request.POST.get("do", "")
        values: dict[str, Any] = {
            name: request.POST.get(name, "") for name in ("name", "description", "trigger", "match")
        }
        values["active"] = bool(request.POST.get("active"))
        conditions = _moved(_rows(request.POST, "c", rulebook.MOST_CONDITIONS), wish, "c", rulebook.MOST_CONDITIONS)
        actions = _moved(_rows(request.POST, "a", rulebook.MOST_ACTIONS), wish, "a", rulebook.MOST_ACTIONS)
        if wish in ("save", "try"):
            given = {**values, "conditions": _stored_conditions(conditions), "actions": _stored_actions(actions)}
            try:
                if wish == "try":
                    tried = _try(request, given)
                else:
                    _save_rule(request, rule, given)
                    messages.success(request, _("%(name)s is saved.") % {"name": values["name"]})
                    return redirect("chat:settings-automation")
            except DomainError as error:
                problems = _problems(error)
    elif rule is not None:
        values = {name: getattr(rule, name) for name in ("name", "description", "trigger", "match", "active")}
        conditions, actions = _condition_rows(rule.conditions), _action_rows(rule.actions)
    else:
        values = {"name": "", "description": "", "trigger": "", "match": Match.ALL.value, "active": True}
        conditions, actions = [], [{"what": "", "op": "", "value": ""}]
    context = {
        "rule": rule,
        "values": values,
        "triggers": _choices(Trigger.choices, str(values["trigger"])),
        "matches": _choices(Match.choices, str(values["match"]) or Match.ALL.value),
        "conditions": _draw_conditions(conditions, problems),
        "actions": _draw_actions(actions, problems, at="actions", by_people=False),
        "problems": problems,
        "tried": tried,
        "matched": sum(one["matches"] for one in tried) if tried is not None else 0,
        "shown": [one for one in tried if one["matches"]][:TRIED_SHOWN] if tried is not None else [],
        "runs": rule.runs.select_related("conversation").order_by("-at", "-pk")[:RUNS_SHOWN] if rule else [],
    }
    return render(request, "chat/flow/rule.html", context, status=422 if problems else 200)


def _save_rule(request: HttpRequest, rule: AutomationRule | None, given: dict[str, Any]) -> None:
    if rule is None:
        automation.create(by=request.user, now=timezone.now(), **given)
    else:
        automation.change(rule=rule, by=request.user, now=timezone.now(), **given)


def _try(request: HttpRequest, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What the rule, as it is in the form, would do to the newest conversations."""
    unsaved = AutomationRule(
        match=given["match"] or Match.ALL,
        conditions=rule_checks.checked_conditions(given["conditions"]),
        actions=rule_checks.checked_actions(given["actions"]),
    )
    newest = list_queries.page(user=request.user).order_by("-last_activity_at", "-pk")[: automation.TRIED]
    return automation.try_on(rule=unsaved, conversations=list(newest), now=timezone.now())


@require_POST
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def rule_switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a rule run, or rest, or run before the one above it."""
    rule = get_object_or_404(AutomationRule, pk=pk)
    if request.POST.get("move") == "up":
        automation.move_up(rule=rule, by=request.user, now=timezone.now())
    else:
        wanted = request.POST.get("active") == "on"
        automation.change(rule=rule, by=request.user, now=timezone.now(), active=wanted)
    return redirect("chat:settings-automation")


@require_POST
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def rule_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a rule."""
    rule = get_object_or_404(AutomationRule, pk=pk)
    automation.delete(rule=rule, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s is removed.") % {"name": rule.name})
    return redirect("chat:settings-automation")


# --- Macros --------------------------------------------------------------------------------------------


@require_safe
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def macro_list(request: HttpRequest) -> HttpResponse:
    """The team's macros and one's own."""
    rows = [
        {
            "row": row,
            "steps": rulebook.in_words(row.steps),
            "url": reverse("chat:macro", args=[row.pk]) if _may_change(request, row) else "",
        }
        for row in Macro.objects.usable_by(request.user).select_related("owner").order_by("name", "pk")
    ]
    return render(request, "chat/flow/macros.html", {"rows": rows})


def _may_change(request: HttpRequest, macro: Macro) -> bool:
    return request.user.has_perm("chat.manage_macro") if macro.shared else macro.owner_id == request.user.pk


@GET_OR_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def macro_form(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Build a macro."""
    macro = get_object_or_404(Macro.objects.usable_by(request.user), pk=pk) if pk is not None else None
    if macro is not None and not _may_change(request, macro):
        raise Http404
    may_share = request.user.has_perm("chat.manage_macro")
    problems: dict[str, str] = {}
    if request.method == "POST":
        wish = request.POST.get("do", "")
        values: dict[str, Any] = {name: request.POST.get(name, "") for name in ("name", "description")}
        values["shared"] = bool(request.POST.get("shared")) and may_share
        steps = _moved(_rows(request.POST, "a", rulebook.MOST_ACTIONS), wish, "a", rulebook.MOST_ACTIONS)
        if wish == "save":
            given = {**values, "steps": _stored_actions(steps)}
            try:
                if macro is None:
                    macros.create(by=request.user, now=timezone.now(), **given)
                else:
                    macros.change(macro=macro, by=request.user, now=timezone.now(), **given)
            except DomainError as error:
                problems = _problems(error)
            else:
                messages.success(request, _("%(name)s is saved.") % {"name": values["name"]})
                return redirect("chat:settings-macros")
    elif macro is not None:
        values = {"name": macro.name, "description": macro.description, "shared": macro.shared}
        steps = _action_rows(macro.steps)
    else:
        values = {"name": "", "description": "", "shared": may_share}
        steps = [{"what": "", "op": "", "value": ""}]
    context = {
        "macro": macro,
        "values": values,
        "may_share": may_share,
        "actions": _draw_actions(steps, problems, at="steps", by_people=True),
        "problems": problems,
    }
    return render(request, "chat/flow/macro.html", context, status=422 if problems else 200)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def macro_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a macro."""
    macro = get_object_or_404(Macro.objects.usable_by(request.user), pk=pk)
    try:
        macros.delete(macro=macro, by=request.user, now=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s is removed.") % {"name": macro.name})
    return redirect("chat:settings-macros")

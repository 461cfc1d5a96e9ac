"""The language of rules and macros: what can be asked about a conversation, and what can be done to it.

A condition is `{"field", "op", "value"}`, an action `{"do", ...}`. Both are checked when they are saved, and again when
they run: whom or what they name may be gone by then.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from chat.enums import Channel, Match, Priority, SlaKind, Status
from chat.models import Conversation, CsatResponse, Inbox, Label, Message, SlaEvent, SlaPolicy, Team
from chat.queries import opening
from chat.services import assignment, conversations, labels, messages, sla
from ops.kernel.errors import DomainError, Invalid
from tenants.accounts.models import User

MOST_CONDITIONS = 20
MOST_ACTIONS = 20

Choices = Callable[[], Sequence[tuple[str, Any]]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition may ask: the conversation with its people, and what set the rule off."""

    conversation: Conversation
    now: datetime
    message: Message | None = None
    sla_event: SlaEvent | None = None
    csat: CsatResponse | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """Something that can be asked. `kind` says which comparisons fit: one of many, several of many, text, number, yes or no."""

    label: Promise
    kind: str
    read: Callable[[Facts], Any]
    choices: Choices | None = None


TEXT_OPS = ("contains", "not_contains", "is", "is_not", "starts_with", "is_set", "is_empty")
OPS: dict[str, tuple[str, ...]] = {
    "one": ("is", "is_not", "is_set", "is_empty"),
    "many": ("contains", "not_contains", "is_set", "is_empty"),
    "text": TEXT_OPS,
    "number": ("at_least", "at_most", "is"),
    "flag": ("is",),
}
OP_LABELS: dict[str, Promise] = {
    "is": pgettext_lazy("condition", "is"),
    "is_not": pgettext_lazy("condition", "is not"),
    "contains": pgettext_lazy("condition", "contains"),
    "not_contains": pgettext_lazy("condition", "does not contain"),
    "starts_with": pgettext_lazy("condition", "starts with"),
    "is_set": pgettext_lazy("condition", "is known"),
    "is_empty": pgettext_lazy("condition", "is empty"),
    "at_least": pgettext_lazy("condition", "is at least"),
    "at_most": pgettext_lazy("condition", "is at most"),
}
WITHOUT_VALUE = {"is_set", "is_empty"}
YES_NO = (("yes", pgettext_lazy("condition", "yes")), ("no", pgettext_lazy("condition", "no")))


def _agents() -> list[tuple[str, Any]]:
    people = User.objects.seated().order_by("name", "pk")
    return [(str(user.pk), user.name or user.email) for user in people]


def _inboxes() -> list[tuple[str, Any]]:
    return [(str(row.pk), row.name) for row in Inbox.objects.active().order_by("name", "pk")]


def _teams() -> list[tuple[str, Any]]:
    return [(str(row.pk), row.name) for row in Team.objects.order_by("name", "pk")]


def _labels() -> list[tuple[str, Any]]:
    return [(str(row.pk), row.name) for row in Label.objects.order_by("name", "pk")]


def _policies() -> list[tuple[str, Any]]:
    return [(str(row.pk), row.name) for row in SlaPolicy.objects.filter(active=True).order_by("name", "pk")]


def _said(facts: Facts) -> str:
    """The words that set the rule off, else the visitor's last ones."""
    if facts.message is not None:
        return facts.message.body
    last = Message.objects.filter(conversation=facts.conversation, direction="in").order_by("-seq")
    return last.values_list("body", flat=True).first() or ""


def _minutes_waiting(facts: Facts) -> int:
    since = facts.conversation.waiting_since
    return 0 if since is None else max(0, int((facts.now - since).total_seconds() // 60))


def _key(value: Any) -> str:
    return "" if value is None else str(value)


FIELDS: dict[str, Field] = {
    "message": Field(gettext_lazy("What was said"), "text", _said),
    "inbox": Field(gettext_lazy("Inbox"), "one", lambda facts: _key(facts.conversation.inbox_id), _inboxes),
    "channel": Field(
        gettext_lazy("Channel"), "one", lambda facts: facts.conversation.inbox.channel, lambda: Channel.choices
    ),
    "status": Field(gettext_lazy("State"), "one", lambda facts: facts.conversation.status, lambda: Status.choices),
    "priority": Field(
        gettext_lazy("Priority"), "one", lambda facts: facts.conversation.priority, lambda: Priority.choices
    ),
    "assignee": Field(gettext_lazy("Assignee"), "one", lambda facts: _key(facts.conversation.assignee_id), _agents),
    "team": Field(gettext_lazy("Team"), "one", lambda facts: _key(facts.conversation.team_id), _teams),
    "labels": Field(
        gettext_lazy("Labels"),
        "many",
        lambda facts: [str(row.pk) for row in facts.conversation.labels.all()],
        _labels,
    ),
    "hours": Field(
        gettext_lazy("Inside business hours"),
        "flag",
        lambda facts: opening.of(facts.conversation.inbox).is_open(facts.now),
        lambda: YES_NO,
    ),
    "waiting_min": Field(gettext_lazy("Minutes the visitor has been waiting"), "number", _minutes_waiting),
    "contact_name": Field(gettext_lazy("Contact's name"), "text", lambda facts: facts.conversation.contact.name),
    "contact_email": Field(gettext_lazy("Contact's e-mail"), "text", lambda facts: facts.conversation.contact.email),
    "contact_phone": Field(
        gettext_lazy("Contact's phone"), "text", lambda facts: facts.conversation.contact.phone_e164
    ),
    "page_url": Field(gettext_lazy("Page it started on"), "text", lambda facts: facts.conversation.page_url),
    "referrer": Field(gettext_lazy("Site the visitor came from"), "text", lambda facts: facts.conversation.referrer),
    "over_quota": Field(
        gettext_lazy("Beyond the plan"), "flag", lambda facts: facts.conversation.over_quota, lambda: YES_NO
    ),
    "promise": Field(
        gettext_lazy("Promised time"),
        "one",
        lambda facts: facts.sla_event.kind if facts.sla_event is not None else "",
        lambda: SlaKind.choices,
    ),
    "rating": Field(
        gettext_lazy("Rating of the survey"), "number", lambda facts: facts.csat.rating if facts.csat else None
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition, tried: whether it holds, and what was found instead of what was asked for."""

    condition: Mapping[str, Any]
    holds: bool
    found: str


def weigh(conditions: Sequence[Mapping[str, Any]], *, match: str, facts: Facts) -> tuple[bool, list[Verdict]]:
    """Whether the conditions hold together, and each by itself. No condition at all always holds."""
    verdicts = [_try(one, facts) for one in conditions]
    held = [one.holds for one in verdicts]
    together = any(held) if match == Match.ANY and held else all(held)
    return together, verdicts


def _try(condition: Mapping[str, Any], facts: Facts) -> Verdict:
    asked = FIELDS.get(str(condition.get("field")))
    if asked is None:
        return Verdict(condition, False, "")
    found = asked.read(facts)
    return Verdict(
        condition, _holds(asked.kind, str(condition.get("op")), found, condition.get("value")), _shown(found)
    )


def _folded(text: str) -> str:
    """Without case and accents: nobody types them alike."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))


def _shown(found: Any) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return ", ".join(str(one) for one in found)
    return "" if found is None else str(found)[:200]


def _holds(kind: str, op: str, found: Any, value: Any) -> bool:
    if op == "is_set":
        return bool(found)
    if op == "is_empty":
        return not found
    if kind == "flag":
        return bool(found) == (value == "yes")
    if kind == "number":
        if found is None:
            return False
        return {"at_least": found >= value, "at_most": found <= value, "is": found == value}.get(op, False)
    if kind == "many":
        return (value in found) == (op == "contains")
    if kind == "one":
        return (found == value) == (op == "is")
    text, wanted = _folded(str(found)), _folded(str(value))
    return {
        "contains": wanted in text,
        "not_contains": wanted not in text,
        "is": text == wanted,
        "is_not": text != wanted,
        "starts_with": text.startswith(wanted),
    }.get(op, False)


# --- Actions -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doing:
    """In whose name an action is done, on what, and under which name a message of it is sent only once."""

    conversation_id: UUID
    now: datetime
    by: Any = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done. `value` names the one thing it needs, `kind` what that is."""

    label: Promise
    do: Callable[[Doing, Any], None]
    value: str = ""
    kind: str = ""
    choices: Choices | None = None
    only_people: bool = field(default=False)


def _assign(doing: Doing, value: Any) -> None:
    agent = User.objects.active().filter(pk=value).first()
    if agent is None:
        raise Invalid(_("This person is no longer here."), field="agent")
    assignment.assign(conversation_id=doing.conversation_id, to=agent, by=doing.by, now=doing.now)


def _assign_me(doing: Doing, value: Any) -> None:
    assignment.assign(conversation_id=doing.conversation_id, to=doing.by, by=doing.by, now=doing.now)


def _give_to_team(doing: Doing, value: Any) -> None:
    team = Team.objects.filter(pk=value).first()
    if team is None:
        raise Invalid(_("This team is no longer there."), field="team")
    assignment.assign_team(conversation_id=doing.conversation_id, team=team, by=doing.by, now=doing.now)


def _label(doing: Doing, value: Any) -> None:
    labels.change_on(conversation_id=doing.conversation_id, add=[value], by=doing.by, now=doing.now)


def _unlabel(doing: Doing, value: Any) -> None:
    labels.change_on(conversation_id=doing.conversation_id, remove=[value], by=doing.by, now=doing.now)


def _unassign(doing: Doing, value: Any) -> None:
    assignment.unassign(conversation_id=doing.conversation_id, by=doing.by, now=doing.now)


def _prioritise(doing: Doing, value: Any) -> None:
    conversations.set_priority(conversation_id=doing.conversation_id, priority=value, by=doing.by, now=doing.now)


def _move(status: Status) -> Callable[[Doing, Any], None]:
    def move(doing: Doing, value: Any) -> None:
        conversations.set_status(conversation_id=doing.conversation_id, status=status, by=doing.by, now=doing.now)

    return move


def _snooze(doing: Doing, value: Any) -> None:
    conversations.set_status(
        conversation_id=doing.conversation_id,
        status=Status.SNOOZED,
        snoozed_until=doing.now + timedelta(minutes=value),
        by=doing.by,
        now=doing.now,
    )


def _say(*, private: bool) -> Callable[[Doing, Any], None]:
    def say(doing: Doing, value: Any) -> None:
        row = Conversation.objects.select_related("contact", "assignee").get(pk=doing.conversation_id)
        # Names the step, so that a run that is repeated after a crash finds what it sent.
        once = uuid5(row.pk, f"{doing.source}:{private}:{value}")
        text = fill(value, row, for_team=private)
        if doing.by is not None:
            messages.send(
                conversation_id=row.pk, by=doing.by, body=text, private=private, client_id=once, now=doing.now
            )
        else:
            messages.send_from_bot(
                conversation_id=row.pk, bot=None, body=text, private=private, client_id=once, now=doing.now
            )

    return say


def _promise(doing: Doing, value: Any) -> None:
    policy = SlaPolicy.objects.filter(pk=value, active=True).first()
    if policy is None:
        raise Invalid(_("This service level is no longer there."), field="policy")
    sla.apply(conversation_id=doing.conversation_id, policy=policy, now=doing.now)


ACTIONS: dict[str, Action] = {
    "assign_agent": Action(gettext_lazy("Assign to a person"), _assign, "agent", "one", _agents),
    "assign_me": Action(gettext_lazy("Assign to whoever runs it"), _assign_me, only_people=True),
    "assign_team": Action(gettext_lazy("Give to a team"), _give_to_team, "team", "one", _teams),
    "add_label": Action(gettext_lazy("Add a label"), _label, "label", "one", _labels),
    "remove_label": Action(gettext_lazy("Take a label off"), _unlabel, "label", "one", _labels),
    "unassign": Action(gettext_lazy("Put back into the queue"), _unassign),
    "set_priority": Action(gettext_lazy("Set the priority"), _prioritise, "priority", "one", lambda: Priority.choices),
    "send_message": Action(gettext_lazy("Send a message"), _say(private=False), "body", "text"),
    "add_note": Action(gettext_lazy("Leave a note for the team"), _say(private=True), "body", "text"),
    "set_sla": Action(gettext_lazy("Promise a service level"), _promise, "policy", "one", _policies),
    "resolve": Action(gettext_lazy("Resolve"), _move(Status.RESOLVED)),
    "reopen": Action(gettext_lazy("Open again"), _move(Status.OPEN)),
    "snooze": Action(gettext_lazy("Snooze (minutes)"), _snooze, "minutes", "number"),
}


def fill(text: str, conversation: Conversation, *, for_team: bool = False) -> str:
    """A text with `{{contact}}`, `{{agent}}`, `{{number}}` and `{{company}}` filled in; what is unknown is left out.

    The team reads what a person without a name is called in the console.
    """
    contact = str(conversation.contact) if for_team else conversation.contact.name.strip()
    agent = conversation.assignee
    known = {
        "contact": contact,
        "contact_first": contact.split(" ")[0],
        "agent": (agent.name or agent.email.split("@")[0]) if agent else "",
        "number": f"#{conversation.number}",
        "company": getattr(connection.tenant, "name", "") or "",
    }
    for name, value in known.items():
        if not value:
            # "Thank you, !" to somebody whose name nobody knows: what leads up to an empty place goes with it.
            text = re.sub(rf",?[ \t]*\{{\{{ ?{name} ?\}}\}}", "", text)
        text = text.replace(f"{{{{{name}}}}}", value).replace(f"{{{{ {name} }}}}", value)
    return text


def perform(actions: Sequence[Mapping[str, Any]], *, doing: Doing) -> list[dict[str, Any]]:
    """Do them in order and say how each went; one that is refused does not stop the others."""
    results = []
    for position, one in enumerate(actions):
        action = ACTIONS.get(str(one.get("do")))
        if action is None:
            results.append({"do": one.get("do"), "ok": False, "detail": _("Nobody knows how to do this.")})
            continue
        step = Doing(doing.conversation_id, doing.now, by=doing.by, source=f"{doing.source}:{position}")
        try:
            action.do(step, one.get(action.value) if action.value else None)
        except DomainError as error:
            with translation.override(getattr(connection.tenant, "language", None) or translation.get_language()):
                results.append({"do": one["do"], "ok": False, "detail": str(error)[:300]})
        else:
            results.append({"do": one["do"], "ok": True, "detail": ""})
    return results


def in_words(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What actions do, one sentence each."""
    said = []
    for one in actions:
        action = ACTIONS.get(str(one.get("do")))
        if action is None:
            continue
        value = one.get(action.value) if action.value else None
        if value is not None and action.choices is not None:
            value = dict(action.choices()).get(str(value), "?")
        said.append(f"{action.label}: {value}" if value is not None else str(action.label))
    return said


def language() -> dict[str, Any]:
    """Everything conditions can ask and actions can do, with the choices of today, as programs read it."""

    def listed(choices: Choices | None) -> list[dict[str, str]]:
        return [{"value": str(key), "label": str(label)} for key, label in (choices() if choices else ())]

    return {
        "conditions": [
            {
                "field": name,
                "label": str(one.label),
                "kind": one.kind,
                "ops": list(OPS[one.kind]),
                "choices": listed(one.choices),
            }
            for name, one in FIELDS.items()
        ],
        "actions": [
            {
                "do": name,
                "label": str(one.label),
                "value": one.value,
                "kind": one.kind,
                "choices": listed(one.choices),
                "only_macros": one.only_people,
            }
            for name, one in ACTIONS.items()
        ],
    }

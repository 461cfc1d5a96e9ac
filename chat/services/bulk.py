"""The same for several conversations: each in its own transaction, so that one refusal stops nobody else."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.enums import Status
from chat.errors import ConversationNotFound
from chat.models import Conversation
from chat.services import assignment, conversations, handling, labels
from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError, Invalid, PermissionRefused

# More than a screen of rows, and little enough to be done while somebody waits.
MOST = 200

CLOSE, ASSIGN, REPLY = "chat.close_conversation", "chat.assign_conversation", "chat.reply_conversation"
PERMISSIONS = {
    "resolve": CLOSE,
    "reopen": CLOSE,
    "snooze": CLOSE,
    "spam": CLOSE,
    "assign": ASSIGN,
    "unassign": ASSIGN,
    "team": ASSIGN,
    "claim": REPLY,
    "labels": REPLY,
    "priority": CLOSE,
    "read": REPLY,
    "unread": REPLY,
    "mute": REPLY,
    "unmute": REPLY,
}


@dataclass(frozen=True, slots=True)
class Row:
    """How it went for one conversation; `error` is empty when it was done."""

    number: int
    error: DomainError | None = None


def run(*, numbers: Iterable[int], action: str, by: Any, now: datetime, **given: Any) -> list[Row]:
    """Do it to every conversation of these numbers that the person may see, in the order given.

    `given` is what the action needs: `to` (a person), `team`, `priority`, `snoozed_until`, `add` and `remove` (labels).
    What each change writes into the log stands there too; besides, one entry says what was asked. Raises
    `PermissionRefused` and `Invalid` before anything is done.
    """
    wanted = list(dict.fromkeys(numbers))
    if not wanted or len(wanted) > MOST:
        raise Invalid(field="ids")
    if action not in PERMISSIONS:
        raise Invalid(field="action")
    if not by.has_perm(PERMISSIONS[action]):
        raise PermissionRefused()
    verb = _verb(action, by=by, now=now, **given)
    known = dict(Conversation.objects.visible_to(by).filter(number__in=wanted).values_list("number", "pk"))
    rows = []
    for number in wanted:
        try:
            if number not in known:
                raise ConversationNotFound()
            verb(known[number])
        except DomainError as error:
            rows.append(Row(number, error))
        else:
            rows.append(Row(number))
    audit.record(
        "chat.conversations_changed_together",
        by=by,
        detail={
            "action": action,
            "done": [row.number for row in rows if row.error is None],
            "failed": [row.number for row in rows if row.error is not None],
        },
        now=now,
    )
    return rows


def _verb(
    action: str,
    *,
    by: Any,
    now: datetime,
    to: Any = None,
    team: Any = None,
    priority: str = "",
    snoozed_until: datetime | None = None,
    add: Iterable[UUID] = (),
    remove: Iterable[UUID] = (),
) -> Callable[[UUID], None]:
    same: dict[str, Any] = {"by": by, "now": now}

    def status(wanted: Status, **more: Any) -> Callable[[UUID], None]:
        return lambda key: conversations.set_status(conversation_id=key, status=wanted, **more, **same)

    def read(key: UUID) -> None:
        conversations.mark_read(conversation_id=key, seq=2**62, now=now)

    verbs: dict[str, Callable[[UUID], None]] = {
        "resolve": status(Status.RESOLVED),
        "reopen": status(Status.OPEN),
        "snooze": status(Status.SNOOZED, snoozed_until=snoozed_until),
        "spam": lambda key: handling.mark_spam(conversation_id=key, **same),
        "assign": lambda key: assignment.assign(conversation_id=key, to=to, **same),
        "unassign": lambda key: assignment.unassign(conversation_id=key, **same),
        "claim": lambda key: assignment.claim(conversation_id=key, **same),
        "team": lambda key: assignment.assign_team(conversation_id=key, team=team, **same),
        "labels": lambda key: labels.change_on(conversation_id=key, add=add, remove=remove, **same),
        "priority": lambda key: conversations.set_priority(conversation_id=key, priority=priority, **same),
        "read": read,
        "unread": lambda key: conversations.mark_unread(conversation_id=key, **same),
        "mute": lambda key: handling.mute(conversation_id=key, muted=True, **same),
        "unmute": lambda key: handling.mute(conversation_id=key, muted=False, **same),
    }
    return verbs[action]

"""What the agents' console shows: the list beside the thread, its counters, and what is known of the person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from chat.enums import Priority, Status
from chat.models import Contact, Conversation, phones
from chat.models.search import Matches, words
from tenants.accounts.models.user import picture_url

# Asked by every page of a team that answers: written out, because making the same words from a query set costs more
# than the answer.
COUNTS = """
SELECT count(*) FILTER (WHERE assignee_id = %s), count(*) FILTER (WHERE assignee_id IS NULL), count(*)
FROM chat_conversation WHERE status = %s
"""
# Resolving is activity, and activity has an index.
RESOLVED = "SELECT count(*) FROM chat_conversation WHERE status = %s AND resolved_at >= %s AND last_activity_at >= %s"
WAITING = """
SELECT c.number, c.preview, c.waiting_since, p.id, p.name, p.email, p.phone_e164
FROM chat_conversation c JOIN chat_contact p ON p.id = c.contact_id
WHERE c.status = %s AND c.assignee_id IS NULL AND c.waiting_since IS NOT NULL
ORDER BY c.waiting_since, c.id LIMIT %s
"""
# The page of the list is cut first; names, labels and clocks are looked up only for what is shown.
ROWS = """
SELECT c.id::text, c.number, c.status, c.priority, c.agent_unread, c.preview, c.preview_direction,
    coalesce(c.last_message_at, c.created_at), c.contact_id::text, p.name, p.email, p.phone_e164,
    c.assignee_id::text, coalesce(nullif(a.name, ''), a.email, ''), coalesce(a.picture, ''), i.channel, i.name,
    ARRAY(
        SELECT l.color || ' ' || l.name FROM chat_conversation_labels w JOIN chat_label l ON l.id = w.label_id
        WHERE w.conversation_id = c.id ORDER BY l.name, l.id LIMIT 4
    ),
    s.due_at, s.warn_at, s.warned_at IS NOT NULL, s.target_s
FROM (SELECT c.* FROM chat_conversation c WHERE {where} ORDER BY {order} LIMIT %s) c
JOIN chat_contact p ON p.id = c.contact_id
JOIN chat_inbox i ON i.id = c.inbox_id
LEFT JOIN accounts_user a ON a.id = c.assignee_id
LEFT JOIN LATERAL (
    SELECT due_at, warn_at, warned_at, target_s FROM chat_slaevent
    WHERE conversation_id = c.id AND ended_at IS NULL AND NOT cancelled AND due_at IS NOT NULL
    ORDER BY due_at, id LIMIT 1
) s ON true
ORDER BY {order}
"""
PAGE = 40
MOST = 400

# The most urgent first; the words of the column do not sort that way.
URGENCY = ("urgent", "high", "medium", "low", "none")
BY_URGENCY = " ".join(f"WHEN '{value}' THEN {place}" for place, value in enumerate(URGENCY))
ORDERS = {
    "recent": "c.last_activity_at DESC, c.id DESC",
    "oldest": "c.last_activity_at, c.id",
    "newest": "c.created_at DESC, c.id DESC",
    "waiting": "coalesce(c.waiting_since, '9999-01-01 00:00:00+00'::timestamptz), c.id",
    "priority": f"CASE c.priority {BY_URGENCY} END, c.last_activity_at DESC, c.id DESC",
}
SORTS = tuple(ORDERS)
TABS = ("mine", "queue", "all")
STATES = (Status.OPEN.value, Status.SNOOZED.value, Status.PENDING.value, Status.RESOLVED.value, "any")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation whose visitor waits for an answer."""

    number: int
    contact: str
    preview: str
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """A promise that runs."""

    due_at: datetime
    warn_at: datetime | None
    warned: bool
    target_s: int


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of the list shows, and nothing else: two equal rows look the same."""

    pk: str
    number: int
    status: str
    priority: str
    unread: int
    preview: str
    preview_direction: str
    at: datetime
    contact_id: str
    who: str
    assignee_id: str
    holder: str
    holder_face: str
    channel: str
    inbox: str
    labels: tuple[tuple[str, str], ...]
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; every value comes from the address."""

    tab: str = "mine"
    state: str = Status.OPEN.value
    text: str = ""
    limit: int = PAGE
    inbox: UUID | None = None
    team: UUID | None = None
    label: UUID | None = None
    assignee: UUID | None = None
    priority: str = ""
    sort: str = ""
    unread: bool = False


def conversations(*, user: Any, wanted: Filter) -> tuple[list[Row], bool]:
    """Rows of the list in its order, and whether there are more."""
    if not user.has_perm("chat.view_conversation"):
        return [], False
    where, values = _narrowed(user, wanted)
    limit = max(1, min(wanted.limit, MOST))
    order = ORDERS[wanted.sort or ("waiting" if wanted.tab == "queue" else "recent")]
    with connection.cursor() as sql:
        # Only pieces written in this file are put together; what people typed is always a parameter.
        sql.execute(ROWS.format(where=" AND ".join(where) or "true", order=order), [*values, limit + 1])
        found = sql.fetchall()
    return [_row(*one) for one in found[:limit]], len(found) > limit


def _narrowed(user: Any, wanted: Filter) -> tuple[list[str], list[Any]]:
    """Conditions of a filter, and their values."""
    said: list[tuple[str, Any]] = []
    if wanted.tab == "queue":
        said += [("c.assignee_id IS NULL AND c.status = %s", Status.OPEN.value)]
    elif wanted.tab == "mine":
        said += [("c.assignee_id = %s", user.pk)]
    if wanted.state != "any" and wanted.tab != "queue":
        said += [("c.status = %s", wanted.state)]
    said += [
        (f"c.{name}_id = %s", key)
        for name, key in (("inbox", wanted.inbox), ("team", wanted.team), ("assignee", wanted.assignee))
        if key is not None
    ]
    if wanted.label is not None:
        said += [("c.id IN (SELECT conversation_id FROM chat_conversation_labels WHERE label_id = %s)", wanted.label)]
    if wanted.priority in Priority.values:
        said += [("c.priority = %s", wanted.priority)]
    if wanted.unread:
        said += [("c.agent_unread > %s", 0)]
    where, values = [condition for condition, _ in said], [value for _, value in said]
    if wanted.text:
        matching, words_of_it = Conversation.objects.search(wanted.text).values("pk").query.sql_with_params()
        where.append(f"c.id IN ({matching})")
        values += words_of_it
    return where, values


def _row(
    pk: str,
    number: int,
    status: str,
    priority: str,
    unread: int,
    preview: str,
    preview_direction: str,
    at: datetime,
    contact_id: str,
    name: str,
    email: str,
    phone: str,
    assignee_id: str | None,
    holder: str,
    picture: str,
    channel: str,
    inbox: str,
    labels: list[str],
    due_at: datetime | None,
    warn_at: datetime | None,
    warned: bool,
    target_s: int | None,
) -> Row:
    who = name or str(Contact(pk=contact_id, email=email, phone_e164=phone))
    worn = tuple((color, word) for color, _, word in (one.partition(" ") for one in labels))
    clock = None if due_at is None or target_s is None else Clock(due_at, warn_at, warned, target_s)
    return Row(
        pk,
        number,
        status,
        priority,
        unread,
        preview,
        preview_direction,
        at,
        contact_id,
        who,
        assignee_id or "",
        holder,
        picture_url(assignee_id, picture),
        channel,
        inbox,
        worn,
        clock,
    )


def waiting(*, user: Any, limit: int) -> tuple[list[Waiting], bool]:
    """Conversations of the queue whose visitor has no answer yet, longest first, and whether there are more."""
    if not user.has_perm("chat.view_conversation"):
        return [], False
    with connection.cursor() as sql:
        sql.execute(WAITING, [Status.OPEN.value, limit + 1])
        found = sql.fetchall()
    rows = [
        Waiting(number, str(Contact(pk=pk, name=name, email=email, phone_e164=phone)), preview, since)
        for number, preview, since, pk, name, email, phone in found[:limit]
    ]
    return rows, len(found) > limit


def resolved_since(moment: datetime, *, user: Any) -> int:
    """How many conversations were resolved since an instant and stayed so."""
    if not user.has_perm("chat.view_conversation"):
        return 0
    with connection.cursor() as sql:
        sql.execute(RESOLVED, [Status.RESOLVED.value, moment, moment])
        return int(sql.fetchone()[0])


def counts(*, user: Any) -> dict[str, int]:
    """Work that is open now, by tab."""
    if not user.has_perm("chat.view_conversation"):
        return {"mine": 0, "queue": 0, "all": 0}
    with connection.cursor() as sql:
        sql.execute(COUNTS, [user.pk, Status.OPEN.value])
        return dict(zip(("mine", "queue", "all"), sql.fetchone(), strict=True))


def contacts(*, text: str = "", risk: str = "") -> Any:
    """People outside with how often they wrote and how likely they are not to come back, for a page cut by cursor."""
    rows = Contact.objects.current().search(text).select_related("churn")
    if risk:
        rows = rows.filter(churn__band=risk)
    return rows.annotate(conversation_count=Count("conversations"))


def alike(contact: Contact, *, limit: int = 5) -> list[Contact]:
    """Contacts who may be the same person: the same number, e-mail or name."""
    same = Q(pk=None)
    if contact.phone_e164:
        same |= Q(phone_match_key=phones.match_key(contact.phone_e164))
    if contact.email:
        same |= Q(email=contact.email)
    if contact.name:
        wanted = words(contact.name)
        # The words have an index; whole names are compared only among those who have them.
        same |= Q(Matches("name", wanted), name__iexact=contact.name) if wanted is not None else Q(pk=None)
    if contact.merged_into_id is not None:
        return []
    return list(Contact.objects.current().filter(same).exclude(pk=contact.pk).order_by("created_at", "pk")[:limit])

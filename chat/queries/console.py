"""What the agents' console shows: the list beside the thread, its counters, and what is known of the person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, Count, F, Prefetch, Q, QuerySet, When

from chat.enums import Priority, Status
from chat.models import Contact, Conversation, Label, SlaEvent, phones
from chat.models.search import Matches, words

# Asked by every page of a team that answers: written out, because making the same words from a query set costs more
# than the answer.
COUNTS = """
SELECT count(*) FILTER (WHERE assignee_id = %s), count(*) FILTER (WHERE assignee_id IS NULL), count(*)
FROM chat_conversation WHERE status = %s
"""
# Resolving is activity, and activity has an index.
RESOLVED = "SELECT count(*) FROM chat_conversation WHERE status = %s AND resolved_at >= %s AND last_activity_at >= %s"
WAITING = """
SELECT c.number, c.preview, c.waiting_since, p.name, p.email, p.phone_e164
FROM chat_conversation c JOIN chat_contact p ON p.id = c.contact_id
WHERE c.status = %s AND c.assignee_id IS NULL AND c.waiting_since IS NOT NULL
ORDER BY c.waiting_since, c.id LIMIT %s
"""
# What a row of the list shows; a whole conversation with its people has four times as many columns.
IN_A_ROW = (
    "number",
    "status",
    "priority",
    "agent_unread",
    "preview",
    "preview_direction",
    "created_at",
    "last_message_at",
    "contact__name",
    "contact__email",
    "contact__phone_e164",
    "assignee__name",
    "assignee__email",
    "inbox__channel",
    "inbox__name",
)
PAGE = 40
MOST = 400

# The most urgent first; the words of the column do not sort that way.
URGENCY = ("urgent", "high", "medium", "low", "none")
BY_URGENCY = Case(*(When(priority=value, then=place) for place, value in enumerate(URGENCY)))
SORTS = ("recent", "oldest", "newest", "waiting", "priority")
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


def conversations(*, user: Any, wanted: Filter) -> tuple[list[Conversation], bool]:
    """Rows of the list in its order, and whether there are more."""
    rows = Conversation.objects.visible_to(user).select_related("contact", "assignee", "inbox").only(*IN_A_ROW)
    if wanted.tab == "queue":
        rows = rows.filter(status=Status.OPEN, assignee=None)
    elif wanted.tab == "mine":
        rows = rows.filter(assignee=user)
    if wanted.state != "any" and wanted.tab != "queue":
        rows = rows.filter(status=wanted.state)
    named = {"inbox": wanted.inbox, "team": wanted.team, "labels": wanted.label, "assignee": wanted.assignee}
    rows = rows.filter(**{name: key for name, key in named.items() if key is not None})
    if wanted.priority in Priority.values:
        rows = rows.filter(priority=wanted.priority)
    if wanted.unread:
        rows = rows.filter(agent_unread__gt=0)
    if wanted.text:
        rows = rows.search(wanted.text)
    limit = max(1, min(wanted.limit, MOST))
    found = list(_sorted(rows, wanted).prefetch_related(*_marks())[: limit + 1])
    return found[:limit], len(found) > limit


def _sorted(rows: QuerySet[Conversation], wanted: Filter) -> QuerySet[Conversation]:
    sort = wanted.sort or ("waiting" if wanted.tab == "queue" else "recent")
    if sort == "waiting":
        return rows.order_by(F("waiting_since").asc(nulls_last=True), "pk")
    if sort == "priority":
        return rows.order_by(BY_URGENCY, "-last_activity_at", "-pk")
    if sort == "newest":
        return rows.order_by("-created_at", "-pk")
    if sort == "oldest":
        return rows.order_by("last_activity_at", "pk")
    return rows.order_by("-last_activity_at", "-pk")


def _marks() -> tuple[Prefetch, ...]:
    """Labels and the clocks that run: one question each, however many rows."""
    running = SlaEvent.objects.filter(ended_at=None, cancelled=False).order_by("due_at", "pk")
    return (
        Prefetch("labels", Label.objects.only("name", "color").order_by("name", "pk")),
        Prefetch("sla_events", running, to_attr="clocks"),
    )


def waiting(*, user: Any, limit: int) -> tuple[list[Waiting], bool]:
    """Conversations of the queue whose visitor has no answer yet, longest first, and whether there are more."""
    if not user.has_perm("chat.view_conversation"):
        return [], False
    with connection.cursor() as sql:
        sql.execute(WAITING, [Status.OPEN.value, limit + 1])
        found = sql.fetchall()
    rows = [
        Waiting(number, str(Contact(name=name, email=email, phone_e164=phone)), preview, since)
        for number, preview, since, name, email, phone in found[:limit]
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


def others_of(conversation: Conversation, *, user: Any, limit: int = 10) -> list[Conversation]:
    """The person's other conversations, newest first."""
    return list(
        Conversation.objects.visible_to(user)
        .filter(contact_id=conversation.contact_id)
        .exclude(pk=conversation.pk)
        .only("number", "status", "preview", "last_activity_at")
        .order_by("-last_activity_at", "-pk")[:limit]
    )


def contacts(*, text: str = "") -> Any:
    """People outside with how often they wrote, for a page that is cut by cursor."""
    rows = Contact.objects.current().search(text)
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

"""Conversations: started once, claimed by one, moved between states that make sense."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat.enums import BotState, Channel, EventType, Priority, Status
from chat.errors import ChangedSince, ConversationNotFound, IllegalStatus, NoAddress
from chat.events import (
    ConversationStarted,
    ConversationStatusChanged,
)
from chat.models import BotSession, Contact, ContactInbox, Conversation, Inbox, Message
from chat.queries import bots, thread, wire
from chat.services import journal
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.ids import uuid7
from ops.kernel.outbox import services as outbox

MOST_ATTRS = 50
# From where a person of the team may move a conversation to where.
MOVES = {
    Status.OPEN: {Status.PENDING, Status.SNOOZED, Status.RESOLVED},
    Status.PENDING: {Status.OPEN, Status.RESOLVED},
    Status.SNOOZED: {Status.OPEN, Status.RESOLVED},
    Status.RESOLVED: {Status.OPEN},
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the counter: one contact through one inbox."""

    contact_inbox_id: UUID
    contact_id: UUID
    inbox_id: UUID
    name: str

    @property
    def author(self) -> dict[str, Any]:
        """The visitor as the author of something (`wire.contact_author`)."""
        return {"kind": "contact", "id": str(self.contact_id), "name": self.name}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a conversation began; the network address is cut before it gets here."""

    page_url: str = ""
    referrer: str = ""
    user_agent: str = ""
    ip_masked: str = ""


def start(
    *,
    visitor: Visitor,
    client_id: UUID,
    origin: Origin = Origin(),
    first: UUID | None = None,
    by: Any = None,
    quiet: bool = False,
    now: datetime | None = None,
) -> Conversation:
    """Open a conversation with a visitor. The same `client_id` again gives the one it made.

    An inbox that keeps one thread a visitor gives the one that runs. `first` is the `client_id` of the message it begins
    with: where that was stored before is where it belongs, whatever became of the thread since.

    A `quiet` one is resolved from its beginning and nobody is told: a campaign writes into it, and it opens when the
    person answers.
    """
    now = now or timezone.now()
    own = Conversation.objects.of_visitor(visitor.contact_inbox_id)
    known = own.filter(client_id=client_id).first()
    if known is None and first is not None:
        known = own.filter(messages__client_id=first).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            running = _the_one(visitor) if by is None and not quiet else None
            if running is not None:
                return running
            conversation = Conversation.objects.create(
                number=next_number(),
                inbox_id=visitor.inbox_id,
                contact_id=visitor.contact_id,
                contact_inbox_id=visitor.contact_inbox_id,
                client_id=client_id,
                status=_first_status(visitor, by=by, quiet=quiet, now=now),
                resolved_at=now if quiet else None,
                assignee=by,
                last_activity_at=now,
                page_url=origin.page_url[:500],
                referrer=origin.referrer[:500],
                user_agent=origin.user_agent[:300],
                ip_masked=origin.ip_masked,
            )
            journal.record(
                conversation_id=conversation.pk,
                type=EventType.CONVERSATION_CREATED,
                payload={},
                public=True,
                now=now,
                data=lambda for_visitor: _as_told(conversation.pk, for_visitor, visitor.contact_inbox_id),
            )
            if not quiet:
                outbox.publish(
                    ConversationStarted(
                        conversation_id=str(conversation.pk),
                        inbox_id=str(visitor.inbox_id),
                        contact_id=str(visitor.contact_id),
                    )
                )
    except IntegrityError:
        # The same request raced itself: the other one was first.
        known = own.filter(client_id=client_id).first()
        if known is None:
            raise
        return known
    return conversation


def _the_one(visitor: Visitor) -> Conversation | None:
    """The visitor's thread that runs, where their inbox keeps one at a time; who begins at the same time waits here."""
    if not Inbox.objects.filter(pk=visitor.inbox_id, features__multi_thread=False).exists():
        return None
    ContactInbox.objects.select_for_update().get(pk=visitor.contact_inbox_id)
    own = Conversation.objects.of_visitor(visitor.contact_inbox_id).unresolved()
    return own.order_by("-last_activity_at", "-pk").first()


def _first_status(visitor: Visitor, *, by: Any, quiet: bool, now: datetime) -> Status:
    if quiet:
        return Status.RESOLVED
    return Status.PENDING if by is None and bots.at_inbox(visitor.inbox_id, at=now) else Status.OPEN


def _as_told(pk: UUID, for_visitor: bool, contact_inbox_id: UUID) -> dict[str, Any]:
    if for_visitor:
        return wire.visitor_conversation(thread.for_visitor(contact_inbox_id).get(pk=pk))
    return wire.conversation(Conversation.objects.with_people().get(pk=pk))


def next_number() -> int:
    """The number of the tenant's next conversation."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('chat_conversation_number')")
        return int(cursor.fetchone()[0])


def author(by: Any) -> dict[str, Any]:
    """Who did it: a person of the team, or the house by itself."""
    return wire.agent_author(wire.with_alias(by)) if by is not None else wire.SYSTEM_AUTHOR


@transaction.atomic
def set_status(
    *, conversation_id: UUID, status: str, by: Any, snoozed_until: datetime | None = None, now: datetime | None = None
) -> None:
    """Resolve, reopen, snooze (until an instant, or until the visitor writes) or hand over.

    Raises `IllegalStatus` when the conversation cannot go there from where it is; to where it is already is no change.
    """
    now = now or timezone.now()
    conversation = locked(conversation_id)
    wanted = Status(status)
    snoozed_until = snoozed_until if wanted == Status.SNOOZED else None
    if wanted == conversation.status and snoozed_until == conversation.snoozed_until:
        return
    if wanted != conversation.status and wanted not in MOVES[Status(conversation.status)]:
        raise IllegalStatus(current=Status(conversation.status).label, wanted=wanted.label)
    _move(conversation, wanted, by=by, snoozed_until=snoozed_until, now=now)


@transaction.atomic
def change(
    *, conversation_id: UUID, by: Any, if_seq: int | None = None, now: datetime | None = None, **changes: Any
) -> None:
    """Several changes at once, all or none: `status` (with `snoozed_until`), `priority` and `attrs`.

    `if_seq` is the seq the caller has seen; `ChangedSince` is raised when something happened after it.
    """
    now = now or timezone.now()
    conversation = locked(conversation_id)
    if if_seq is not None and if_seq != conversation.last_seq:
        raise ChangedSince()
    if "priority" in changes:
        set_priority(conversation_id=conversation_id, priority=changes["priority"], by=by, now=now)
    if "attrs" in changes:
        set_attrs(conversation_id=conversation_id, attrs=changes["attrs"], by=by, now=now)
    if "status" in changes:
        set_status(
            conversation_id=conversation_id,
            status=changes["status"],
            snoozed_until=changes.get("snoozed_until"),
            by=by,
            now=now,
        )


@transaction.atomic
def end_by_visitor(*, conversation_id: UUID, visitor: Visitor, now: datetime | None = None) -> None:
    """The visitor needs no answer any more. Ending twice is ending once. Raises `ConversationNotFound`."""
    conversation = locked(conversation_id, visitor=visitor)
    if conversation.status != Status.RESOLVED:
        _move(conversation, Status.RESOLVED, by=None, by_visitor=visitor, snoozed_until=None, now=now or timezone.now())


@transaction.atomic
def reopen(*, conversation_id: UUID, now: datetime) -> None:
    """Open again because the visitor wrote, or because a snooze ended; nothing happens when it is open.

    What a bot solved alone goes back to the bot while it answers.
    """
    conversation = locked(conversation_id)
    if conversation.status not in (Status.RESOLVED, Status.SNOOZED):
        return
    to_the_bot = conversation.status == Status.RESOLVED and bots.takes_again(
        conversation.pk, inbox_id=conversation.inbox_id, at=now
    )
    if to_the_bot:
        BotSession.objects.filter(conversation=conversation).update(
            state=BotState.ACTIVE, misses=0, step="", ended_at=None
        )
    _move(conversation, Status.PENDING if to_the_bot else Status.OPEN, by=None, snoozed_until=None, now=now)


def wake_due(*, now: datetime) -> int:
    """Open every conversation whose snooze has ended; returns how many."""
    due = (
        Conversation.objects.filter(status=Status.SNOOZED, snoozed_until__lte=now)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    woken = list(due)
    for key in woken:
        reopen(conversation_id=key, now=now)
    return len(woken)


def _move(
    conversation: Conversation,
    wanted: Status,
    *,
    by: Any,
    snoozed_until: datetime | None,
    now: datetime,
    by_visitor: Visitor | None = None,
) -> None:
    who = author(by)
    if by_visitor is not None:
        who = by_visitor.author
    activity: dict[str, Any] = {"action": "status", "from": conversation.status, "to": wanted.value}
    if snoozed_until:
        activity["until"] = wire.instant(snoozed_until)
    if by_visitor is not None:
        activity["by_contact"] = True
    before = conversation.status
    changes: dict[str, Any] = {"status": wanted, "snoozed_until": snoozed_until, "last_activity_at": now}
    changes["resolved_at"] = now if wanted == Status.RESOLVED else None
    if wanted == Status.RESOLVED:
        changes["waiting_since"] = None
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    visible = wire.public_status(before) != wire.public_status(wanted)
    journal.record(
        conversation_id=conversation.pk,
        type=EventType.CONVERSATION_STATUS,
        payload={
            "status": wanted.value,
            "snoozed_until": wire.instant(snoozed_until),
            "by": who,
        },
        public=visible,
        activity=activity,
        by=by,
        now=now,
    )
    if by is not None:
        audit.record(
            "chat.conversation_status_changed",
            by=by,
            on=Conversation(pk=conversation.pk, number=conversation.number),
            detail={"from": before, "to": wanted.value},
            now=now,
        )
    outbox.publish(
        ConversationStatusChanged(
            conversation_id=str(conversation.pk),
            status=wanted.value,
            previous=before,
            by_id=str(by.pk) if by is not None else None,
        )
    )


@transaction.atomic
def set_priority(*, conversation_id: UUID, priority: str, by: Any, now: datetime | None = None) -> None:
    """Say how urgent a conversation is; visitors are not told."""
    now = now or timezone.now()
    conversation = locked(conversation_id)
    wanted = Priority(priority)
    if wanted == conversation.priority:
        return
    Conversation.objects.filter(pk=conversation_id).update(priority=wanted)
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_PRIORITY,
        payload={"priority": wanted.value, "by": author(by)},
        public=False,
        activity={"action": "priority", "from": conversation.priority, "to": wanted.value},
        by=by,
        now=now,
    )


@transaction.atomic
def set_attrs(*, conversation_id: UUID, attrs: dict[str, str], by: Any = None, now: datetime | None = None) -> None:
    """Keep these words about a conversation by name; an empty one is removed, the others stay. Raises `Invalid`."""
    conversation = locked(conversation_id)
    after = {**conversation.attrs, **attrs}
    after = {name: value for name, value in after.items() if value not in ("", None)}
    if len(after) > MOST_ATTRS or any(len(name) > 60 for name in after):
        raise Invalid(field="attrs")
    if after == conversation.attrs:
        return
    Conversation.objects.filter(pk=conversation_id).update(attrs=after)
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_ATTRS,
        payload={"attrs": after, "by": wire.agent_author(by) if by is not None else wire.SYSTEM_AUTHOR},
        public=False,
        now=now or timezone.now(),
    )


@transaction.atomic
def mark_read(*, conversation_id: UUID, seq: int, now: datetime | None = None) -> None:
    """The team has seen everything up to `seq`. The mark only moves up; the visitor is told once a message is read."""
    journal.mark(
        conversation_id=conversation_id, place=seq, mark="read", contact_inbox_id=None, now=now or timezone.now()
    )


@transaction.atomic
def mark_unread(*, conversation_id: UUID, by: Any, now: datetime | None = None) -> None:
    """Show the visitor's last message as unread again, to the whole team; the visitor is not told."""
    now = now or timezone.now()
    conversation = locked(conversation_id)
    if conversation.agent_unread:
        return
    last = (
        Message.objects.filter(conversation=conversation, direction="in").order_by("-seq").values_list("seq", flat=True)
    )
    seen = min((last.first() or conversation.last_seq) - 1, conversation.agent_seen_seq)
    Conversation.objects.filter(pk=conversation.pk).update(agent_seen_seq=max(seen, 0), agent_unread=1)
    journal.record(
        conversation_id=conversation.pk,
        type=EventType.CONVERSATION_ATTRS,
        payload={"unread": 1, "agent_seen_seq": max(seen, 0), "by": wire.agent_author(by)},
        public=False,
        now=now,
    )


@transaction.atomic
def mark_read_by_visitor(*, conversation_id: UUID, visitor: Visitor, pub_seq: int, now: datetime | None = None) -> None:
    """The visitor has seen everything up to `pub_seq`."""
    journal.mark(
        conversation_id=conversation_id,
        place=pub_seq,
        mark="read",
        contact_inbox_id=visitor.contact_inbox_id,
        now=now or timezone.now(),
    )


@transaction.atomic
def mark_delivered(*, conversation_id: UUID, visitor: Visitor, pub_seq: int, now: datetime | None = None) -> None:
    """Everything up to `pub_seq` reached the visitor's browser."""
    journal.mark(
        conversation_id=conversation_id,
        place=pub_seq,
        mark="delivered",
        contact_inbox_id=visitor.contact_inbox_id,
        now=now or timezone.now(),
    )


def locked(conversation_id: UUID, *, visitor: Visitor | None = None) -> Conversation:
    """The row of a conversation, held until the transaction ends. Raises `ConversationNotFound`."""
    rows = Conversation.objects.filter(pk=conversation_id)
    if visitor is not None:
        rows = rows.of_visitor(visitor.contact_inbox_id)
    conversation = rows.select_for_update(of=("self",)).first()
    if conversation is None:
        raise ConversationNotFound()
    return conversation


def visitor_of(conversation: Conversation) -> Visitor:
    """The visitor a conversation belongs to."""
    return Visitor(
        contact_inbox_id=conversation.contact_inbox_id,
        contact_id=conversation.contact_id,
        inbox_id=conversation.inbox_id,
        name=conversation.contact.name,
    )


def _address(contact: Contact, inbox: Inbox) -> str:
    """Where a contact who never wrote there can be reached. Raises `NoAddress`: a bot cannot write first."""
    if inbox.channel in (Channel.WEB, Channel.API):
        return uuid7().hex
    known = {Channel.WHATSAPP: contact.phone_e164.lstrip("+"), Channel.EMAIL: contact.email}.get(
        Channel(inbox.channel), ""
    )
    taken = inbox.contact_inboxes.filter(source_id=known).exists()
    if not known or taken:
        raise NoAddress(field="contact")
    return known


def agent_started(
    *, contact: Contact, inbox: Inbox, by: Any, client_id: UUID | None = None, now: datetime | None = None
) -> Conversation:
    """Open a conversation from the team's side, with a contact of that inbox."""
    return start(visitor=reached(contact=contact, inbox=inbox), client_id=client_id or uuid7(), by=by, now=now)


def reached(*, contact: Contact, inbox: Inbox) -> Visitor:
    """A contact as an inbox reaches them, made known there at the first time. Raises `NoAddress`."""
    link = contact.contact_inboxes.filter(inbox=inbox).order_by("-updated_at", "pk").first()
    if link is None:
        link = contact.contact_inboxes.create(inbox=inbox, source_id=_address(contact, inbox))
    return Visitor(contact_inbox_id=link.pk, contact_id=contact.pk, inbox_id=inbox.pk, name=contact.name)

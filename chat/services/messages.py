"""Messages: sent once, numbered without gaps, told after the commit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from chat.enums import Direction, Status
from chat.errors import ClientIdReused, ConversationNotFound, EmptyMessage, MessageTooLong, TooManyMessages
from chat.events import MessageSent
from chat.models import Conversation, Message
from chat.queries import wire
from chat.services import conversations, journal, quota
from ops.kernel import ratelimit
from ops.kernel.outbox import services as outbox

BODY_LIMIT = 8_000
# A person types slower; a script that floods an agent is told to wait.
VISITOR_LIMIT, VISITOR_WINDOW_S = 10, 10


@dataclass(frozen=True, slots=True)
class Sent:
    """A stored message as its sender needs it: where it went, its place there, and whether it is new."""

    id: UUID
    conversation_id: UUID
    seq: int
    created: bool
    created_at: datetime
    wire: dict[str, Any]


def send(
    *,
    conversation_id: UUID,
    by: Any,
    body: str,
    client_id: UUID,
    private: bool = False,
    reply_to: UUID | None = None,
    now: datetime | None = None,
) -> Sent:
    """Send an agent's reply, or leave a private note. The same `client_id` again answers the stored message.

    Raises `ConversationNotFound`, `ClientIdReused`, `EmptyMessage`, `MessageTooLong`.
    """
    now = now or timezone.now()
    text = clean(body)
    author = wire.agent_author(by)
    with transaction.atomic():
        posted = journal.post(
            conversation_id=conversation_id,
            client_id=client_id,
            direction=Direction.OUT,
            body=text,
            private=private,
            agent_id=by.pk,
            contact_id=None,
            reply_to=reply_to,
            meta={},
            now=now,
        )
        _refuse_other_content(posted, body=text, private=private, agent_id=by.pk, contact_id=None)
        if posted.created:
            _tell(conversation_id, client_id, posted, author)
    return _sent(conversation_id, client_id, posted, author, visitor=False)


def send_from_visitor(
    *,
    conversation_id: UUID,
    visitor: "conversations.Visitor",
    body: str,
    client_id: UUID,
    reply_to: UUID | None = None,
    now: datetime | None = None,
) -> Sent:
    """Send what a visitor wrote. A limit of the plan never drops it: the conversation is marked instead.

    A snoozed conversation opens again. A resolved one does too, up to the inbox's `reopen_days`; later the message
    starts a new conversation, and `Sent.conversation_id` says which.
    Raises `ConversationNotFound` for somebody else's conversation, `ClientIdReused`, `TooManyMessages`, ...
    """
    now = now or timezone.now()
    text = clean(body)
    standing = (
        Conversation.objects.of_visitor(visitor.contact_inbox_id)
        .filter(pk=conversation_id)
        .values_list("status", "resolved_at", "inbox__reopen_days")
        .first()
    )
    if standing is None:
        raise ConversationNotFound()
    if (
        _too_old(*standing, now=now)
        and not Message.objects.filter(conversation=conversation_id, client_id=client_id).exists()
    ):
        fresh = conversations.start(visitor=visitor, client_id=uuid5(client_id, "conversation"), now=now)
        conversation_id = fresh.pk
    rate = ratelimit.hit(f"chat.visitor.{visitor.contact_inbox_id}", limit=VISITOR_LIMIT, window_s=VISITOR_WINDOW_S)
    if not rate.allowed:
        raise TooManyMessages(retry_after=rate.reset_s)

    author = {"kind": "contact", "id": str(visitor.contact_id), "name": visitor.name}
    with transaction.atomic():
        posted = journal.post(
            conversation_id=conversation_id,
            client_id=client_id,
            direction=Direction.IN,
            body=text,
            private=False,
            agent_id=None,
            contact_id=visitor.contact_id,
            reply_to=reply_to,
            meta={},
            now=now,
        )
        _refuse_other_content(posted, body=text, private=False, agent_id=None, contact_id=visitor.contact_id)
        if posted.created:
            _tell(conversation_id, client_id, posted, author)
            if posted.first_from_contact:
                quota.count_conversation(conversation_id=conversation_id, now=now)
            if posted.status in (Status.RESOLVED, Status.SNOOZED):
                conversations.reopen(conversation_id=conversation_id, now=now)
    return _sent(conversation_id, client_id, posted, author, visitor=True)


def clean(body: str) -> str:
    """The text as it is stored. Raises `EmptyMessage` or `MessageTooLong`."""
    text = body.replace("\r\n", "\n").strip()
    if not text or not any(character.isprintable() and not character.isspace() for character in text):
        raise EmptyMessage(field="body")
    if len(text) > BODY_LIMIT:
        raise MessageTooLong(field="body", limit=BODY_LIMIT)
    return text


def _too_old(status: str, resolved_at: datetime | None, reopen_days: int, *, now: datetime) -> bool:
    return status == Status.RESOLVED and resolved_at is not None and (now - resolved_at).days >= reopen_days


def _refuse_other_content(
    posted: journal.Posted, *, body: str, private: bool, agent_id: UUID | None, contact_id: UUID | None
) -> None:
    same = (posted.body, posted.private, posted.author_agent_id, posted.author_contact_id) == (
        body,
        private,
        agent_id,
        contact_id,
    )
    if not posted.created and not same:
        raise ClientIdReused(field="client_id")


def _tell(conversation_id: UUID, client_id: UUID, posted: journal.Posted, author: dict[str, Any]) -> None:
    journal.tell(
        conversation_id,
        lambda visitor: wire.frame(
            conversation_id,
            posted.pub_seq if visitor else posted.seq,
            "message.created",
            _wire(conversation_id, client_id, posted, author, visitor=visitor),
        ),
        public=posted.pub_seq is not None,
    )
    outbox.publish(
        MessageSent(
            message_id=str(posted.id),
            conversation_id=str(conversation_id),
            direction=posted.direction,
            private=posted.private,
        )
    )


def _sent(
    conversation_id: UUID, client_id: UUID, posted: journal.Posted, author: dict[str, Any], *, visitor: bool
) -> Sent:
    seq = posted.pub_seq if visitor and posted.pub_seq is not None else posted.seq
    return Sent(
        id=posted.id,
        conversation_id=conversation_id,
        seq=seq,
        created=posted.created,
        created_at=posted.created_at,
        wire=_wire(conversation_id, client_id, posted, author, visitor=visitor),
    )


def _wire(
    conversation_id: UUID, client_id: UUID, posted: journal.Posted, author: dict[str, Any], *, visitor: bool
) -> dict[str, Any]:
    return wire.message_of(
        id=posted.id,
        conversation=conversation_id,
        seq=posted.pub_seq if visitor else posted.seq,
        client_id=client_id,
        direction=posted.direction,
        body=posted.body,
        private=posted.private,
        author=author,
        reply_to=posted.reply_to_id,
        meta={},
        created_at=posted.created_at,
        visitor=visitor,
    )

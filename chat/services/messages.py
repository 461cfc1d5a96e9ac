"""Messages: sent once, numbered without gaps, told after the commit. What happens to them later: `message_changes`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat.enums import Direction, EventType, Kind, Status
from chat.errors import (
    ClientIdReused,
    ConversationNotFound,
    EmptyMessage,
    MessageTooLong,
    TooManyMessages,
    WindowClosed,
)
from chat.events import MessageSent
from chat.models import Bot, Conversation, Message
from chat.queries import windows, wire
from chat.services import attachments, conversations, journal, markup, quota
from chat.services.mentions import people_named
from chat.services.mentions import record as record_mentions
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
    kind: str = Kind.TEXT,
    meta: dict[str, Any] | None = None,
    body_html: str = "",
    attachment_ids: Sequence[UUID] = (),
    mentions: Iterable[UUID] = (),
    now: datetime | None = None,
) -> Sent:
    """Send an agent's reply, or leave a private note. The same `client_id` again answers the stored message.

    `meta` is what a `kind` other than text carries; `body_html` is made safe here; `attachment_ids` are the agent's
    own complete uploads. `mentions` are people and teams who are called; their names stand in the note's `meta`, and
    in no message that the visitor reads. A reply to a conversation nobody has takes it, by a receiver of its event.
    Raises `ConversationNotFound`, `ClientIdReused`, `EmptyMessage`, `MessageTooLong`, `FileNotReady`, `WindowClosed`.
    """
    now = now or timezone.now()
    kind = _kind(kind, attachment_ids)
    text = clean(body, kind=kind)
    if not private and kind != Kind.TEMPLATE:
        _refuse_closed_window(conversation_id, client_id=client_id, now=now)
    author = wire.agent_author(wire.with_alias(by))
    files: list[dict[str, Any]] = []
    called = people_named(mentions)
    if called and private:
        meta = {**(meta or {}), "mentions": [wire.person(person) for person in called]}
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
            kind=kind,
            meta=meta or {},
            body_html=markup.safe(body_html),
            now=now,
        )
        refuse_other_content(posted, kind=kind, body=text, private=private, author=by.pk)
        if posted.created:
            files = _carry(posted, attachment_ids, owner=by)
            _tell(posted, author, meta=meta, body_html=body_html, files=files)
            if called:
                record_mentions(message_id=posted.id, conversation_id=conversation_id, people=called, by=by)
    return _sent(posted, author, meta=meta, body_html=body_html, files=files, visitor=False)


def send_from_bot(
    *,
    conversation_id: UUID,
    bot: Bot | None,
    body: str,
    client_id: UUID,
    kind: str = Kind.TEXT,
    meta: dict[str, Any] | None = None,
    body_html: str = "",
    private: bool = False,
    reply_to: UUID | None = None,
    in_name_of: Any = None,
    now: datetime | None = None,
) -> Sent:
    """Send what a bot says to the visitor. It does not count as the team's reply, so the visitor goes on waiting.

    Without a bot the house speaks by itself: an away reply, a survey, a rule. `private` leaves a note for the team.
    `in_name_of` is the person whose name stands over it: a campaign of theirs.
    """
    now = now or timezone.now()
    text = clean(body, kind=kind)
    author = wire.bot_author(bot) if in_name_of is None else wire.agent_author(wire.with_alias(in_name_of))
    writer = in_name_of or bot
    with transaction.atomic():
        posted = journal.post(
            conversation_id=conversation_id,
            client_id=client_id,
            direction=Direction.BOT,
            body=text,
            private=private,
            agent_id=in_name_of.pk if in_name_of is not None else None,
            contact_id=None,
            bot_id=bot.pk if bot is not None else None,
            reply_to=reply_to,
            kind=kind,
            meta=meta or {},
            body_html=markup.safe(body_html),
            now=now,
        )
        refuse_other_content(
            posted, kind=kind, body=text, private=private, author=writer.pk if writer is not None else None
        )
        if posted.created:
            _tell(posted, author, meta=meta, body_html=body_html)
    return _sent(posted, author, meta=meta, body_html=body_html, visitor=False)


def send_from_visitor(
    *,
    conversation_id: UUID,
    visitor: "conversations.Visitor",
    body: str,
    client_id: UUID,
    reply_to: UUID | None = None,
    kind: str = Kind.TEXT,
    meta: dict[str, Any] | None = None,
    body_html: str = "",
    source_id: str = "",
    attachment_ids: Sequence[UUID] = (),
    held_back: bool = False,
    now: datetime | None = None,
) -> Sent:
    """Send what a visitor wrote. A limit of the plan never drops it: the conversation is marked instead.

    `source_id` is the provider's id of a message that came through another channel: the same one again, in whatever
    conversation of the inbox, answers the stored message. Only messages without one are held to a person's speed,
    unless the caller already did (`held_back`).

    A snoozed conversation opens again. A resolved one does too, up to the inbox's `reopen_days`; later the message
    starts a new conversation, and `Sent.conversation_id` says which.
    Raises `ConversationNotFound` for somebody else's conversation, `ClientIdReused`, `TooManyMessages`, ...
    """
    now = now or timezone.now()
    kind = _kind(kind, attachment_ids)
    text = clean(body, kind=kind)
    conversation_id, status, resolved_at, reopen_days = _standing(conversation_id, visitor)
    if (
        _too_old(status, resolved_at, reopen_days, now=now)
        and not Message.objects.filter(conversation=conversation_id, client_id=client_id).exists()
        # Without room in the plan the old thread goes on instead: a message is never dropped.
        and quota.has_room(now=now)
    ):
        fresh = conversations.start(visitor=visitor, client_id=uuid5(client_id, "conversation"), now=now)
        conversation_id = fresh.pk
    if not (source_id or held_back):
        hold_back(visitor)

    author = visitor.author
    files: list[dict[str, Any]] = []
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
            kind=kind,
            meta=meta or {},
            body_html=markup.safe(body_html),
            source_id=source_id,
            now=now,
        )
        if not source_id:
            refuse_other_content(posted, kind=kind, body=text, private=False, author=visitor.contact_id)
        if posted.created:
            files = _carry(posted, attachment_ids, owner=visitor)
            _tell(posted, author, meta=meta, body_html=body_html, files=files)
            if posted.first_from_contact:
                quota.count_conversation(conversation_id=conversation_id, now=now)
            if posted.status in (Status.RESOLVED, Status.SNOOZED):
                conversations.reopen(conversation_id=conversation_id, now=now)
    return _sent(posted, author, meta=meta, body_html=body_html, files=files, visitor=True)


def clean(body: str, *, kind: str = Kind.TEXT) -> str:
    """The text as it is stored; only a plain text needs words. Raises `EmptyMessage` or `MessageTooLong`."""
    text = body.replace("\r\n", "\n").strip()
    if kind == Kind.TEXT and not any(character.isprintable() and not character.isspace() for character in text):
        raise EmptyMessage(field="body")
    if len(text) > BODY_LIMIT:
        raise MessageTooLong(field="body", limit=BODY_LIMIT)
    return text


def _refuse_closed_window(conversation_id: UUID, *, client_id: UUID, now: datetime) -> None:
    """Free words outside the channel's window never arrive; a repeated one is answered as ever."""
    row = (
        Conversation.objects.filter(pk=conversation_id).values_list("inbox__channel", "last_contact_message_at").first()
    )
    if row is None or windows.is_open(channel=row[0], last_contact_message_at=row[1], now=now):
        return
    if not Message.objects.filter(conversation=conversation_id, client_id=client_id).exists():
        raise WindowClosed()


def hold_back(visitor: "conversations.Visitor") -> None:
    """Count a message of a visitor. Raises `TooManyMessages` when they write faster than people do."""
    rate = ratelimit.hit(f"chat.visitor.{visitor.contact_inbox_id}", limit=VISITOR_LIMIT, window_s=VISITOR_WINDOW_S)
    if not rate.allowed:
        raise TooManyMessages(retry_after=rate.wait_s)


def _standing(conversation_id: UUID, visitor: "conversations.Visitor") -> tuple[UUID, str, datetime | None, int]:
    """Where a visitor's words belong, and how it stands: a conversation that was merged continues in the other one.

    Raises `ConversationNotFound` for somebody else's; the visitor stays with what they can see.
    """
    own = Conversation.objects.of_visitor(visitor.contact_inbox_id)
    fields = ("pk", "status", "resolved_at", "inbox__reopen_days", "merged_into")
    found = own.filter(pk=conversation_id).values_list(*fields).first()
    if found is None:
        raise ConversationNotFound()
    while found[4] is not None:
        further = own.filter(pk=found[4]).values_list(*fields).first()
        if further is None:
            break
        found = further
    return found[0], found[1], found[2], found[3]


def _too_old(status: str, resolved_at: datetime | None, reopen_days: int, *, now: datetime) -> bool:
    return status == Status.RESOLVED and resolved_at is not None and (now - resolved_at).days >= reopen_days


def refuse_other_content(
    posted: journal.Posted, *, body: str, private: bool, author: UUID | None, kind: str = Kind.TEXT
) -> None:
    """A repeated `client_id` must bring the same message. Raises `ClientIdReused`."""
    if posted.created:
        return
    wrote = posted.author_agent_id or posted.author_contact_id or posted.author_bot_id
    same = (posted.kind, posted.private, wrote) == (kind, private, author)
    # Since it was sent its words may have been changed; then there is nothing to compare.
    if not same or (posted.body != body and not posted.changed):
        raise ClientIdReused(field="client_id")


def _kind(kind: str, attachment_ids: Sequence[UUID]) -> str:
    return Kind.ATTACHMENT if kind == Kind.TEXT and attachment_ids else kind


def _carry(posted: journal.Posted, attachment_ids: Sequence[UUID], *, owner: attachments.Owner) -> list[dict[str, Any]]:
    """Give the files to the new message; without words their names stand in the preview."""
    if not attachment_ids:
        return []
    files = attachments.carry(attachments.ready_for(attachment_ids, owner), message_id=posted.id)
    if not posted.body and not posted.private:
        said = words_of_files((file["name"], file["voice"]) for file in files)
        Conversation.objects.filter(pk=posted.conversation_id).update(preview=said)
    return files


def words_of_files(files: Iterable[tuple[str, bool]]) -> str:
    """What the list shows of files without words, in the company's language; the name of a recording says nothing."""
    with translation.override(getattr(connection.tenant, "language", None) or settings.LANGUAGE_CODE):
        recorded = _("Voice message")
    return ", ".join(recorded if voice else name for name, voice in files)[:120]


def created_frame(
    posted: journal.Posted,
    author: dict[str, Any],
    *,
    visitor: bool,
    meta: dict[str, Any] | None = None,
    body_html: str = "",
    files: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """What everybody is told about a new message."""
    return wire.frame(
        posted.conversation_id,
        posted.pub_seq if visitor else posted.seq,
        EventType.MESSAGE_CREATED,
        _wire(posted, author, meta=meta, body_html=body_html, files=files, visitor=visitor),
    )


def _tell(
    posted: journal.Posted,
    author: dict[str, Any],
    *,
    meta: dict[str, Any] | None,
    body_html: str,
    files: Sequence[dict[str, Any]] = (),
) -> None:
    journal.tell(
        posted.conversation_id,
        lambda visitor: created_frame(posted, author, meta=meta, body_html=body_html, files=files, visitor=visitor),
        public=posted.pub_seq is not None,
    )
    outbox.publish(
        MessageSent(
            message_id=str(posted.id),
            conversation_id=str(posted.conversation_id),
            direction=posted.direction,
            private=posted.private,
        )
    )


def _sent(
    posted: journal.Posted,
    author: dict[str, Any],
    *,
    meta: dict[str, Any] | None,
    body_html: str,
    visitor: bool,
    files: Sequence[dict[str, Any]] = (),
) -> Sent:
    if posted.created:
        told = _wire(posted, author, meta=meta, body_html=body_html, files=files, visitor=visitor)
    else:
        told = wire.message(Message.objects.with_people().get(pk=posted.id), visitor=visitor)
    return receipt(posted, visitor=visitor, told=told)


def receipt(posted: journal.Posted, *, visitor: bool, told: dict[str, Any]) -> Sent:
    """What its sender needs of a stored message, in their own numbers; `told` is the message itself, where it is wanted."""
    return Sent(
        id=posted.id,
        conversation_id=posted.conversation_id,
        seq=posted.pub_seq if visitor and posted.pub_seq is not None else posted.seq,
        created=posted.created,
        created_at=posted.created_at,
        wire=told,
    )


def _wire(
    posted: journal.Posted,
    author: dict[str, Any],
    *,
    meta: dict[str, Any] | None,
    body_html: str,
    files: Sequence[dict[str, Any]],
    visitor: bool,
) -> dict[str, Any]:
    return wire.message_of(
        id=posted.id,
        conversation=posted.conversation_id,
        seq=posted.pub_seq if visitor else posted.seq,
        client_id=posted.client_id,
        direction=posted.direction,
        kind=posted.kind,
        body=posted.body,
        body_html=markup.safe(body_html),
        private=posted.private,
        author=author,
        reply_to=posted.reply_to_id,
        delivery=posted.delivery,
        meta=meta or {},
        created_at=posted.created_at,
        files=files,
        visitor=visitor,
    )

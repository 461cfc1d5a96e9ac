"""Writing to a conversation's history, and telling everyone who follows it.

The two SQL functions of the migrations hold the row lock of the conversation until the commit. So both sequences
have no gaps, and a reader who sees entry n sees every entry before it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chat.enums import EventType, Kind
from chat.errors import ConversationNotFound
from chat.queries import stream, wire
from ops.kernel import live
from ops.kernel.ids import uuid7

POST = "SELECT * FROM chat_post(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)"
MARK = "SELECT * FROM chat_mark(%s, %s, %s, %s, %s)"
RECORD = "SELECT * FROM chat_record(%s, %s, %s, %s::jsonb, %s, %s::jsonb, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Posted:
    """What `chat_post` answers: the stored message, whether this call made it, and how the conversation stood."""

    created: bool
    id: UUID
    conversation_id: UUID
    client_id: UUID
    seq: int
    pub_seq: int | None
    direction: str
    kind: str
    body: str
    private: bool
    author_agent_id: UUID | None
    author_contact_id: UUID | None
    author_bot_id: UUID | None
    reply_to_id: UUID | None
    delivery: str
    changed: bool
    created_at: datetime
    status: str
    first_from_contact: bool
    resolved_at: datetime | None


def post(
    *,
    conversation_id: UUID,
    client_id: UUID,
    direction: str,
    body: str,
    private: bool,
    agent_id: UUID | None,
    contact_id: UUID | None,
    reply_to: UUID | None,
    meta: dict[str, Any],
    now: datetime,
    bot_id: UUID | None = None,
    kind: str = Kind.TEXT,
    body_html: str = "",
    source_id: str = "",
) -> Posted:
    """Store a message, or find the one this `client_id`, or this `source_id` in this inbox, already made.

    Must run in a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            POST,
            [
                conversation_id,
                uuid7(),
                client_id,
                direction,
                kind,
                body,
                body_html,
                private,
                agent_id,
                contact_id,
                bot_id,
                reply_to,
                source_id,
                json.dumps(meta),
                now,
            ],
        )
        row = cursor.fetchone()
    if row is None:
        raise ConversationNotFound()
    return Posted(*row)


def record(
    *,
    conversation_id: UUID,
    type: str,
    payload: dict[str, Any],
    public: bool,
    now: datetime,
    activity: dict[str, Any] | None = None,
    by: Any = None,
    message_id: UUID | None = None,
    data: Callable[[bool], dict[str, Any]] | None = None,
) -> int:
    """Add an entry that is not a new message and push it; returns its seq. Must run in a transaction.

    `message_id` is the earlier message the entry tells about.
    `payload["public"]` replaces values for visitors. `activity` leaves a line in the thread with that `meta`.
    `data(visitor)` gives the frame's data when the payload alone does not.
    """
    line = uuid7() if activity is not None else None
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            [
                conversation_id,
                type,
                public,
                json.dumps(payload),
                line,
                json.dumps(activity or {}),
                getattr(by, "pk", None),
                message_id,
                now,
            ],
        )
        row = cursor.fetchone()
    if row is None:
        raise ConversationNotFound()
    seq, pub_seq = row

    def frame(visitor: bool) -> dict[str, Any]:
        place = pub_seq if visitor else seq
        if data is not None:
            return wire.frame(conversation_id, place, type, data(visitor))
        said = None
        if line is not None:
            said = wire.message_of(
                id=line,
                conversation=conversation_id,
                seq=place,
                client_id=line,
                direction="activity",
                body="",
                private=False,
                author=wire.agent_author(by) if by is not None else wire.SYSTEM_AUTHOR,
                reply_to=None,
                meta=activity or {},
                created_at=now,
                visitor=visitor,
            )
        return wire.frame(conversation_id, place, type, wire.event_data(type, payload, message=said, visitor=visitor))

    tell(conversation_id, frame, public=pub_seq is not None)
    return seq


@dataclass(frozen=True, slots=True)
class Marked:
    """What `chat_mark` answers: the entry's numbers, and the place that was reached in both; nothing when it was no news."""

    seq: int | None
    pub_seq: int | None
    mark_seq: int | None
    mark_pub: int | None


def mark(*, conversation_id: UUID, place: int, mark: str, contact_inbox_id: UUID | None, now: datetime) -> None:
    """Everything up to `place` was `read` or `delivered`: by the team, or by a visitor in their own numbers.

    A mark only moves up; both sides are told once there is a message of the other side below it.
    """
    with connection.cursor() as cursor:
        cursor.execute(MARK, [conversation_id, contact_inbox_id, mark, place, now])
        row = cursor.fetchone()
    if row is None:
        raise ConversationNotFound()
    if row[0] is None:
        return
    frames = marked(conversation_id, Marked(*row), mark=mark, visitor=contact_inbox_id is not None)
    tell(conversation_id, lambda visitor: frames[visitor], public=True)


def marked(conversation_id: UUID, found: Marked, *, mark: str, visitor: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The frames about a mark, for the team and for the visitor."""
    by = "contact" if visitor else "agent"
    type = EventType.MESSAGE_DELIVERY
    return (
        wire.frame(conversation_id, found.seq, type, {"mark": mark, "by": by, "seq": found.mark_seq}),
        wire.frame(conversation_id, found.pub_seq, type, {"mark": mark, "by": by, "seq": found.mark_pub}),
    )


def tell(conversation_id: UUID, frame: Callable[[bool], dict[str, Any]], *, public: bool) -> None:
    """Push a frame after the commit: encoded once for the team, and once for the visitor when it is public."""
    live.push(live.group("agents"), forward(frame(False)))
    if public:
        live.push(live.group(f"pub.{conversation_id}"), forward(frame(True)))


def forward(frame: dict[str, Any]) -> dict[str, Any]:
    """The channel-layer message that makes consumers send `frame` as it is, without encoding it again."""
    return {"type": "forward", "text": wire.encode(frame)}


FORGET = """
DELETE FROM chat_chatevent WHERE id IN (
    SELECT id FROM chat_chatevent
    WHERE created_at < %s AND id < (SELECT max(id) FROM chat_chatevent WHERE created_at < %s)
    ORDER BY id LIMIT %s
)
"""
BATCH = 5_000


def forget_old(*, now: datetime) -> int:
    """Delete events older than they are kept, but for the last of them: it marks what was forgotten. Says how many."""
    before, forgotten = now - stream.KEPT_FOR, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [before, before, BATCH])
            forgotten += cursor.rowcount
            if cursor.rowcount < BATCH:
                return forgotten

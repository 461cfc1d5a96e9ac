"""What sockets do all day, from the event loop: one statement, then the push. No thread and no ORM.

The rules are those of `messages` and `conversations`, kept by the same SQL functions; whatever is more than a plain
message, such as a visitor's first one or one to a resolved conversation, is left to those services.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import redis
from channels.layers import get_channel_layer

from chat.enums import Direction
from chat.errors import ConversationNotFound
from chat.events import MessageSent
from chat.queries import wire
from chat.services import journal, messages
from chat.services.conversations import Visitor
from ops.kernel import async_sql, live
from ops.kernel.ids import uuid7
from ops.kernel.outbox.services import publishing

log = logging.getLogger(__name__)

MARK = journal.MARK.replace("chat_mark", "{schema}.chat_mark")
HEADS = "SELECT id, last_seq, last_pub_seq, contact_inbox_id FROM {schema}.chat_conversation WHERE id = ANY(%s::uuid[])"
SEND = "SELECT * FROM {schema}.chat_send(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)"


async def send(
    *,
    schema: str,
    conversation_id: UUID,
    by: Any,
    body: str,
    client_id: UUID,
    private: bool,
    reply_to: UUID | None,
    now: datetime,
    request_id: str = "",
) -> messages.Sent | None:
    """`messages.send` of a plain text, or nothing when the channel needs that whole service. Raises as it does."""
    text = messages.clean(body)
    posted = await _post(
        schema,
        conversation_id=conversation_id,
        contact_inbox_id=None,
        client_id=client_id,
        direction=Direction.OUT,
        body=text,
        private=private,
        agent_id=by.pk,
        contact_id=None,
        reply_to=reply_to,
        now=now,
        request_id=request_id,
    )
    if posted is None:
        raise ConversationNotFound()
    if posted.created is None:
        return None
    messages.refuse_other_content(posted, body=text, private=private, author=by.pk)
    return await _tell(schema, posted, wire.agent_author(by), visitor=False)


async def send_from_visitor(
    *,
    schema: str,
    conversation_id: UUID,
    visitor: Visitor,
    body: str,
    client_id: UUID,
    reply_to: UUID | None,
    now: datetime,
    request_id: str = "",
) -> messages.Sent | None:
    """`messages.send_from_visitor` of a plain text, or nothing when the message needs that whole service.

    How fast a visitor may write is the caller's to keep.
    """
    text = messages.clean(body)
    posted = await _post(
        schema,
        conversation_id=conversation_id,
        contact_inbox_id=visitor.contact_inbox_id,
        client_id=client_id,
        direction=Direction.IN,
        body=text,
        private=False,
        agent_id=None,
        contact_id=visitor.contact_id,
        reply_to=reply_to,
        now=now,
        request_id=request_id,
    )
    if posted is None:
        raise ConversationNotFound()
    if posted.created is None:
        return None
    messages.refuse_other_content(posted, body=text, private=False, author=visitor.contact_id)
    return await _tell(schema, posted, visitor.author, visitor=True)


async def mark(
    *, schema: str, conversation_id: UUID, place: int, mark: str, visitor: Visitor | None, now: datetime
) -> None:
    """Everything up to `place` was read or delivered: by the team, or by the visitor, in their own numbers."""
    contact_inbox = None if visitor is None else visitor.contact_inbox_id
    found = await async_sql.row(schema, MARK, (conversation_id, contact_inbox, mark, place, now))
    if found is None:
        raise ConversationNotFound()
    if found[0] is not None:
        frames = journal.marked(conversation_id, journal.Marked(*found), mark=mark, visitor=visitor is not None)
        await tell(schema, conversation_id, team=frames[0], public=frames[1])


@dataclass(frozen=True, slots=True)
class Standing:
    """Which of these conversations there are, for the team or for the visitor they belong to, and where they stand."""

    conversation_ids: frozenset[UUID]
    visitor: Visitor | None


async def heads(schema: str, asked: Sequence[Standing]) -> list[dict[UUID, int]]:
    """The newest number of every conversation that whoever asks may see, in their own numbers."""
    keys = list(frozenset().union(*(one.conversation_ids for one in asked)))
    rows = {row[0]: row for row in await async_sql.rows(schema, HEADS, (keys,))} if keys else {}
    return [
        {
            key: rows[key][1] if one.visitor is None else rows[key][2]
            for key in one.conversation_ids & rows.keys()
            if one.visitor is None or rows[key][3] == one.visitor.contact_inbox_id
        }
        for one in asked
    ]


async def tell(
    schema: str, conversation_id: UUID, *, team: dict[str, Any] | None, public: dict[str, Any] | None
) -> None:
    """Push frames to the team and to the visitor. What is lost on the way they fetch by their numbers."""
    told = []
    if team is not None:
        told.append((live.group("agents", schema=schema), journal.forward(team)))
    if public is not None:
        told.append((live.group(f"pub.{conversation_id}", schema=schema), journal.forward(public)))
    try:
        await get_channel_layer().groups_send(told)
    except (redis.RedisError, OSError) as error:
        log.warning("Live message dropped: %s", error)


async def _post(
    schema: str,
    *,
    conversation_id: UUID,
    contact_inbox_id: UUID | None,
    client_id: UUID,
    direction: str,
    body: str,
    private: bool,
    agent_id: UUID | None,
    contact_id: UUID | None,
    reply_to: UUID | None,
    now: datetime,
    request_id: str,
) -> journal.Posted | None:
    key = uuid7()
    event = MessageSent(
        message_id=str(key), conversation_id=str(conversation_id), direction=str(direction), private=private
    )
    found = await async_sql.row(
        schema,
        SEND,
        (
            conversation_id,
            contact_inbox_id,
            key,
            client_id,
            str(direction),
            body,
            private,
            agent_id,
            contact_id,
            reply_to,
            now,
            *publishing.packed(
                event, schema=schema, request_id=request_id, user_id="" if agent_id is None else str(agent_id)
            ),
        ),
    )
    return None if found is None else journal.Posted(*found)


async def _tell(schema: str, posted: journal.Posted, author: dict[str, Any], *, visitor: bool) -> messages.Sent:
    if posted.created:
        publishing.wake()
        await tell(
            schema,
            posted.conversation_id,
            team=messages.created_frame(posted, author, visitor=False),
            public=messages.created_frame(posted, author, visitor=True) if posted.pub_seq is not None else None,
        )
    # The acknowledgement of a socket names the message; the message itself comes as the event.
    return messages.receipt(posted, visitor=visitor, told={})

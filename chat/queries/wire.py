"""How rows look on the wire: the same for REST, sockets and pages.

Two audiences. Agents see everything and count in `seq`. Visitors count in `pub_seq`, never see private notes, and
know only two states: a conversation is open or it is resolved.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.enums import Direction, EventType, Status
from chat.models import (
    AgentProfile,
    Bot,
    ChatEvent,
    Contact,
    ContactMerge,
    ContactNote,
    Conversation,
    Inbox,
    Label,
    Message,
    Notification,
    SlaEvent,
    Team,
)
from chat.queries import attachments, windows


def encode(frame: dict[str, Any]) -> str:
    """A frame as text, without spare white space."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"), default=_primitive)


def _primitive(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def person(user: Any) -> dict[str, Any] | None:
    """A member of the team, by name; the e-mail stays inside. `alias` is the name that visitors read instead.

    It is known when the person was read with `agent_profile`, or by `with_alias`; nothing is asked here.
    """
    if user is None:
        return None
    profile = user._state.fields_cache.get("agent_profile")
    alias = {"alias": profile.display_name} if profile is not None and profile.display_name else {}
    # Who is read under another name is not shown by their face either.
    face = {"avatar": user.picture_url} if user.picture and not alias else {}
    return {"id": str(user.pk), "name": user.name or user.email.split("@")[0], **alias, **face}


def with_alias(user: Any) -> Any:
    """The person, read with the name that visitors read, before something of theirs is told to visitors."""
    if user is not None and "agent_profile" not in user._state.fields_cache:
        user._state.fields_cache["agent_profile"] = AgentProfile.objects.filter(user=user.pk).first()
    return user


def for_visitor(told: Any) -> Any:
    """What is told, with every person of the team under the name that visitors read."""
    if not isinstance(told, dict):
        return told
    if "alias" in told:
        return {**{name: value for name, value in told.items() if name != "alias"}, "name": told["alias"]}
    return {name: for_visitor(value) if isinstance(value, dict) else value for name, value in told.items()}


def team(row: Team | None) -> dict[str, Any] | None:
    """A team, by name."""
    return None if row is None else {"id": str(row.pk), "name": row.name}


def labels(rows: Iterable[Label]) -> list[dict[str, str]]:
    """Labels in the order of their names."""
    return [
        {"id": str(row.pk), "name": row.name, "color": row.color}
        for row in sorted(rows, key=lambda row: row.name.casefold())
    ]


def agent_author(user: Any) -> dict[str, Any]:
    """An agent as the author of something."""
    return {"kind": "agent", **(person(user) or {"id": None, "name": ""})}


def contact_author(contact: Contact) -> dict[str, Any]:
    """A visitor as the author of something."""
    return {"kind": "contact", "id": str(contact.pk), "name": contact.name}


def bot_author(bot: Bot | None) -> dict[str, Any]:
    """A bot as the author of something; one that was removed keeps its lines."""
    return {"kind": "bot", "id": None if bot is None else str(bot.pk), "name": "" if bot is None else bot.name}


SYSTEM_AUTHOR: dict[str, Any] = {"kind": "system", "id": None, "name": ""}


def public_status(status: str) -> str:
    """What a visitor is told: snoozing and bots are the team's business."""
    return Status.RESOLVED.value if status == Status.RESOLVED else Status.OPEN.value


def instant(moment: datetime | None) -> str | None:
    """ISO 8601 with offset."""
    return None if moment is None else moment.isoformat()


def message(row: Message, *, visitor: bool) -> dict[str, Any]:
    """One line of the thread. Needs `with_people()`."""
    author = SYSTEM_AUTHOR
    if row.author_agent_id:
        author = agent_author(row.author_agent)
    elif row.author_contact_id:
        author = contact_author(row.author_contact)  # type: ignore[arg-type]
    elif row.direction == Direction.BOT:
        author = bot_author(row.author_bot)
    elif name := row.meta.get("imported_author"):
        author = {"kind": "agent", "id": None, "name": name}
    return message_of(
        id=row.pk,
        conversation=row.conversation_id,
        seq=row.pub_seq if visitor else row.seq,
        client_id=row.client_id,
        direction=row.direction,
        body=row.body,
        body_html=row.body_html,
        private=row.private,
        author=author,
        reply_to=row.reply_to_id,
        meta=row.meta,
        created_at=row.created_at,
        kind=row.kind,
        delivery=row.delivery,
        error=row.error,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        files=[attachments.wire(file) for file in sorted(row.attachments.all(), key=attachments.in_order)],
        visitor=visitor,
    )


def message_of(
    *,
    id: UUID,
    conversation: UUID,
    seq: int | None,
    client_id: UUID,
    direction: str,
    body: str,
    private: bool,
    author: dict[str, Any],
    reply_to: UUID | None,
    meta: dict[str, Any],
    created_at: datetime,
    visitor: bool,
    kind: str = "text",
    body_html: str = "",
    delivery: str = "sent",
    error: str = "",
    edited_at: datetime | None = None,
    deleted_at: datetime | None = None,
    files: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A message from its parts, for the moment it is sent, when no row was read."""
    if visitor and meta.get("action") == "status":
        meta = {**meta, "from": public_status(meta["from"]), "to": public_status(meta["to"])}
    if visitor:
        author, meta = for_visitor(author), for_visitor(meta) if "action" in meta else meta
    return {
        "id": str(id),
        "conversation": str(conversation),
        "seq": seq,
        "client_id": str(client_id),
        "direction": direction,
        "kind": kind,
        "body": body,
        "body_html": body_html,
        "private": private,
        "author": author,
        "reply_to": None if reply_to is None else str(reply_to),
        "delivery": delivery,
        "error": "" if visitor else error,
        "attachments": list(files),
        "meta": meta,
        "created_at": instant(created_at),
        "edited_at": instant(edited_at),
        "deleted_at": instant(deleted_at),
    }


def contact_ref(row: Contact) -> dict[str, str]:
    """A contact as a row of the list names it."""
    return {"id": str(row.pk), "name": row.name, "email": row.email}


def contact(row: Contact) -> dict[str, Any]:
    """A contact, for agents."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "email": row.email,
        "phone": row.phone_e164,
        "company": row.company,
        "identifier": row.identifier,
        "attrs": row.attrs,
        "blocked": row.blocked,
        "labels": labels(row.labels.all()),
        "consent_at": instant(row.consent_at),
        "merged_into": None if row.merged_into_id is None else str(row.merged_into_id),
        "last_seen_at": instant(row.last_seen_at),
        "last_page": row.last_page or None,
        "created_at": instant(row.created_at),
    }


def clock(row: SlaEvent) -> dict[str, Any]:
    """A promised time, as the ring of the list shows it. A paused one has no `due_at` and says what is left."""
    state = "running" if row.due_at is not None else "paused"
    if row.warned_at is not None:
        state = "warned" if row.due_at is not None else "paused"
    if row.breached_at is not None:
        state = "breached"
    return {
        "kind": row.kind,
        "state": state,
        "started_at": instant(row.started_at),
        "warn_at": instant(row.warn_at),
        "due_at": instant(row.due_at),
        "left_s": row.left_s,
        "target_s": row.target_s,
    }


def queue(row: Conversation) -> dict[str, Any] | None:
    """The place in the queue as the visitor was last told; nothing for who is not in it."""
    if row.queue_position is None or row.assignee_id is not None or row.status != Status.OPEN:
        return None
    return {"position": row.queue_position, "wait_s": row.queue_wait_s}


def contact_note(row: ContactNote) -> dict[str, Any]:
    """A note about a contact. Needs its author."""
    return {
        "id": str(row.pk),
        "contact": str(row.contact_id),
        "author": person(row.author),
        "body": row.body,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }


def contact_merge(row: ContactMerge) -> dict[str, Any]:
    """Two contacts that became one. Needs the one that is gone, and who did it."""
    return {
        "id": str(row.pk),
        "kept": str(row.kept_id),
        "gone": {"id": str(row.gone_id), "name": str(row.gone)},
        "by": person(row.by),
        "reason": row.reason,
        "at": instant(row.created_at),
        "undone_at": instant(row.undone_at),
    }


def conversation(row: Conversation) -> dict[str, Any]:
    """A conversation, for agents. Needs `with_people()`."""
    return {
        "id": str(row.pk),
        "number": row.number,
        "status": row.status,
        "snoozed_until": instant(row.snoozed_until),
        "priority": row.priority,
        "assignee": person(row.assignee),
        "team": team(row.team),
        "labels": labels(row.labels.all()),
        "muted": row.muted,
        "spam": row.spam_at is not None,
        "merged_into": row.merged_into.number if row.merged_into is not None else None,
        "attrs": row.attrs,
        "inbox": {"id": str(row.inbox_id), "name": row.inbox.name, "channel": row.inbox.channel},
        "window_ends_at": instant(
            windows.ends_at(channel=row.inbox.channel, last_contact_message_at=row.last_contact_message_at)
        ),
        "contact": contact_ref(row.contact),
        "last_seq": row.last_seq,
        "agent_seen_seq": row.agent_seen_seq,
        "contact_seen_seq": row.contact_seen_seq,
        "contact_delivered_seq": row.contact_delivered_seq,
        "unread": row.agent_unread,
        "preview": row.preview,
        "preview_direction": row.preview_direction,
        "waiting_since": instant(row.waiting_since),
        "first_reply_at": instant(row.first_reply_at),
        "last_message_at": instant(row.last_message_at),
        "last_activity_at": instant(row.last_activity_at),
        "over_quota": row.over_quota,
        "queue": queue(row),
        "sla": row.sla,
        "page_url": row.page_url,
        "referrer": row.referrer,
        "created_at": instant(row.created_at),
    }


def consent(inbox: Inbox) -> dict[str, Any] | None:
    """What a visitor is asked to agree to today."""
    now = inbox.consent_now
    return None if now is None else {"version": now["version"], "text": now["text"]}


def notification(row: Notification) -> dict[str, Any]:
    """A notification. Needs `with_people()`."""
    about = row.conversation
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "text": row.text,
        "count": row.count,
        "author": person(row.author),
        "conversation": None
        if about is None
        else {
            "id": str(about.pk),
            "number": about.number,
            "contact": {"id": str(about.contact_id), "name": str(about.contact)},
        },
        "read_at": instant(row.read_at),
        "at": instant(row.updated_at),
    }


def visitor_conversation(row: Conversation) -> dict[str, Any]:
    """A conversation, for its visitor. Needs the annotations of `queries.thread.for_visitor`."""
    return {
        "id": str(row.pk),
        "status": public_status(row.status),
        "assignee": for_visitor(person(row.assignee)),
        "last_seq": row.last_pub_seq,
        "agent_seen_seq": row.agent_seen_pub_seq,  # type: ignore[attr-defined]
        "contact_seen_seq": row.contact_seen_pub_seq,  # type: ignore[attr-defined]
        "unread": row.contact_unread,
        "queue": queue(row),
        "preview": row.preview,
        "preview_direction": row.preview_direction,
        "last_message_at": instant(row.last_message_at),
        "created_at": instant(row.created_at),
    }


# Their data is the message as it is now.
WHOLE_MESSAGE = {EventType.MESSAGE_CREATED, EventType.MESSAGE_UPDATED, EventType.MESSAGE_DELETED}


def event(row: ChatEvent, *, visitor: bool, conversations: dict[UUID, dict[str, Any]] | None = None) -> dict[str, Any]:
    """One entry of the history as a socket frame. Needs its message with people; `conversations` fills `conversation.created`."""
    said = message(row.message, visitor=visitor) if row.message is not None else None
    if row.type in WHOLE_MESSAGE:
        # A message that was erased since leaves its place in the sequence.
        data: dict[str, Any] = said or {}
    elif row.type == EventType.CONVERSATION_CREATED:
        data = (conversations or {}).get(row.conversation_id, {})
    else:
        line = None if row.type == EventType.MESSAGE_DELIVERY else said
        data = event_data(row.type, row.payload, message=line, visitor=visitor)
    return frame(row.conversation_id, row.pub_seq if visitor else row.seq, row.type, data)


def event_data(type: str, payload: dict[str, Any], *, message: dict[str, Any] | None, visitor: bool) -> dict[str, Any]:
    """What is told about an entry that is not a message."""
    data = dict(payload)
    if visitor:
        public = data.pop("public", {})
        data.update(public)
        if type == EventType.CONVERSATION_STATUS:
            data = {**data, "status": public_status(data["status"]), "snoozed_until": None}
        data = for_visitor(data)
    else:
        data.pop("public", None)
    if message is not None:
        data["message"] = message
    return data


def frame(conversation: UUID, seq: int | None, type: str, data: dict[str, Any]) -> dict[str, Any]:
    """The socket frame of one entry of the history."""
    return {"type": "event", "conversation": str(conversation), "seq": seq, "event": str(type), "data": data}

"""Messages as lines of the console need them: what is drawn, and nothing else.

Written out, because a page asks for forty of them with everybody who speaks, and making forty messages with their people
from query sets costs more than the database does.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chat.models import Attachment, Contact

QUOTE_CHARACTERS = 140
COLUMNS = """
m.id::text, m.client_id::text, m.seq, m.direction, m.kind, m.body, m.body_html, m.private, m.delivery, m.error,
m.meta::text, m.created_at, m.edited_at IS NOT NULL, m.deleted_at IS NOT NULL, m.reply_to_id::text,
EXISTS (SELECT FROM chat_attachment f WHERE f.message_id = m.id),
m.author_agent_id::text, a.name, a.email, m.author_contact_id::text, p.name, p.email, p.phone_e164,
m.author_bot_id::text, b.name, m.meta->>'imported_author'
"""
PEOPLE = """
LEFT JOIN accounts_user a ON a.id = m.author_agent_id
LEFT JOIN chat_contact p ON p.id = m.author_contact_id
LEFT JOIN chat_bot b ON b.id = m.author_bot_id
"""
LATEST = f"""
SELECT {COLUMNS} FROM (
    SELECT * FROM chat_message WHERE conversation_id = %s AND (%s::bigint IS NULL OR seq < %s)
    ORDER BY seq DESC LIMIT %s
) m {PEOPLE} ORDER BY m.seq
"""  # noqa: S608 — only this file's own words
CHOSEN = (
    f"SELECT {COLUMNS} FROM chat_message m {PEOPLE} WHERE m.conversation_id = %s AND m.seq = ANY(%s) ORDER BY m.seq"  # noqa: S608
)
# Only what stands above the answer.
ANSWERED = f"""
SELECT m.id::text, left(m.body, {QUOTE_CHARACTERS}), m.deleted_at IS NOT NULL, m.direction,
    m.author_agent_id::text, a.name, a.email, m.author_contact_id::text, p.name, p.email, p.phone_e164,
    m.author_bot_id::text, b.name, m.meta->>'imported_author'
FROM chat_message m {PEOPLE} WHERE m.id = ANY(%s)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Answered:
    """The message another one answers."""

    pk: str
    text: str
    gone: bool
    author: str
    name: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message with who wrote it."""

    pk: str
    client_id: str
    seq: int
    direction: str
    kind: str
    body: str
    body_html: str
    private: bool
    delivery: str
    error: str
    meta: dict[str, Any]
    created_at: datetime
    edited: bool
    gone: bool
    author: str
    name: str
    reply_to: str | None = None
    answered: Answered | None = None
    files: list[Attachment] = field(default_factory=list)


def latest(conversation_id: UUID, *, before_seq: int | None = None, limit: int) -> list[Spoken]:
    """Up to `limit` messages before a place, oldest first, everything agents may see."""
    return _spoken(LATEST, [conversation_id, before_seq, before_seq, limit])


def chosen(conversation_id: UUID, seqs: Iterable[int]) -> list[Spoken]:
    """These messages of a conversation, in their order."""
    return _spoken(CHOSEN, [conversation_id, sorted(set(seqs))])


def _spoken(statement: str, values: list[Any]) -> list[Spoken]:
    with connection.cursor() as sql:
        sql.execute(statement, values)
        found: list[Any] = sql.fetchall()
        wanted = [UUID(row[14]) for row in found if row[14] is not None]
        answered: dict[str, Answered] = {}
        if wanted:
            sql.execute(ANSWERED, [wanted])
            answered = {
                pk: Answered(pk, text, gone, *_author(direction, *people))
                for pk, text, gone, direction, *people in sql.fetchall()
            }
    files = _files([UUID(row[0]) for row in found if row[15]])
    spoken: list[Spoken] = []
    for row in found:
        shown: list[Any] = [*row[:10], json.loads(row[10]), *row[11:14], *_author(row[3], *row[16:])]
        shown += [row[14], answered.get(row[14]), files.get(row[0], [])]
        spoken.append(Spoken(*shown))
    return spoken


def _files(message_ids: list[UUID]) -> dict[str, list[Attachment]]:
    found: dict[str, list[Attachment]] = {}
    if message_ids:
        for row in Attachment.objects.filter(message__in=message_ids):
            found.setdefault(str(row.message_id), []).append(row)
    return found


def _author(
    direction: str,
    agent: str | None,
    agent_name: str | None,
    agent_email: str | None,
    contact: str | None,
    contact_name: str | None,
    contact_email: str | None,
    contact_phone: str | None,
    bot: str | None,
    bot_name: str | None,
    imported: str | None,
) -> tuple[str, str]:
    """Who speaks, and under which name; a message of nobody is the direction's."""
    if agent is not None:
        return agent, agent_name or (agent_email or "").split("@")[0]
    if contact is not None:
        known = Contact(pk=contact, email=contact_email or "", phone_e164=contact_phone or "")
        return contact, contact_name or str(known)
    if bot is not None:
        return bot, bot_name or ""
    # Brought along from elsewhere, by somebody who has no account here.
    return (f"imported:{imported}", imported) if imported else (direction, "")

"""A conversation with what stands above and beside its lines, in two statements.

Written out for the same reason as `spoken`: the page would otherwise ask ten small questions, and putting them into words
would cost more than the answers.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from chat.models import Contact, Conversation, Inbox, Team
from tenants.accounts.models import User
from tenants.accounts.models.user import picture_url

OTHERS, NOTES, MACROS = 10, 3, 12

# Rows whose columns the page shows; a column that is not named here is fetched when somebody asks for it.
SHOWN: dict[str, tuple[type[Model], frozenset[str]]] = {
    "c": (
        Conversation,
        frozenset(
            [
                "id",
                "created_at",
                "number",
                "inbox_id",
                "contact_id",
                "status",
                "snoozed_until",
                "priority",
                "assignee_id",
                "team_id",
                "last_seq",
                "agent_seen_seq",
                "contact_seen_seq",
                "contact_delivered_seq",
                "last_contact_message_at",
                "page_url",
                "referrer",
                "user_agent",
            ]
        ),
    ),
    "p": (Contact, frozenset(["id", "name", "email", "phone_e164", "company", "attrs", "last_seen_at", "last_page"])),
    "i": (Inbox, frozenset({"id", "name", "channel"})),
    "a": (User, frozenset({"id", "email", "name"})),
    "t": (Team, frozenset({"id", "name"})),
}
# As `from_db` wants them: in the order of the model.
COLUMNS = {
    alias: [one.attname for one in model._meta.concrete_fields if one.attname in names]
    for alias, (model, names) in SHOWN.items()
}
DOCUMENTS = {"attrs", "last_page"}
OPENED = f"""
SELECT {", ".join(f"{alias}.{name}" for alias, names in COLUMNS.items() for name in names)}
FROM chat_conversation c
JOIN chat_contact p ON p.id = c.contact_id
JOIN chat_inbox i ON i.id = c.inbox_id
LEFT JOIN accounts_user a ON a.id = c.assignee_id
LEFT JOIN chat_team t ON t.id = c.team_id
WHERE c.number = %s
"""  # noqa: S608 — only names of columns
BESIDE = """
SELECT
    (SELECT json_agg(json_build_object('id', u.id, 'name', coalesce(nullif(u.name, ''), u.email), 'picture', u.picture) ORDER BY u.name, u.id)
     FROM accounts_user u JOIN accounts_role r ON r.id = u.role_id
     WHERE u.is_active AND r.seated)::text,
    (SELECT json_agg(json_build_array(t.id, t.name) ORDER BY t.name, t.id) FROM chat_team t)::text,
    (SELECT json_agg(json_build_array(l.id, l.name, l.color, EXISTS (
        SELECT FROM chat_conversation_labels w WHERE w.conversation_id = %(conversation)s AND w.label_id = l.id
     ), EXISTS (
        SELECT FROM chat_contact_labels w WHERE w.contact_id = %(contact)s AND w.label_id = l.id
     )) ORDER BY l.name, l.id) FROM chat_label l)::text,
    (SELECT json_agg(json_build_array(m.id, m.name, m.description) ORDER BY m.name, m.id) FROM (
        SELECT * FROM chat_macro WHERE shared OR owner_id = %(user)s ORDER BY name, id LIMIT %(macros)s
     ) m)::text,
    (SELECT json_agg(json_build_array(n.body, n.created_at, u.name, u.email) ORDER BY n.created_at DESC, n.id DESC) FROM (
        SELECT * FROM chat_contactnote WHERE contact_id = %(contact)s ORDER BY created_at DESC, id DESC LIMIT %(notes)s
     ) n LEFT JOIN accounts_user u ON u.id = n.author_id)::text,
    (SELECT json_agg(json_build_array(o.number, o.status, o.preview, o.last_activity_at)
        ORDER BY o.last_activity_at DESC, o.id DESC) FROM (
        SELECT * FROM chat_conversation WHERE contact_id = %(contact)s AND id <> %(conversation)s
        ORDER BY last_activity_at DESC, id DESC LIMIT %(others)s
     ) o)::text,
    (SELECT json_agg(json_build_array(g.id, g.name)) FROM (
        SELECT DISTINCT k.id, k.name FROM chat_campaignrecipient r JOIN chat_campaign k ON k.id = r.campaign_id
         WHERE r.conversation_id = %(conversation)s ORDER BY k.name, k.id
     ) g)::text,
    (SELECT json_build_array(s.probability, s.band) FROM chat_churnscore s WHERE s.contact_id = %(contact)s)::text,
    (SELECT json_object_agg(CASE WHEN d.private THEN 'note' ELSE 'reply' END, d.body)
     FROM chat_draft d WHERE d.user_id = %(user)s AND d.conversation_id = %(conversation)s)::text,
    (SELECT g.signature FROM chat_agentprofile g WHERE g.user_id = %(user)s)
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A person or a team to give the conversation to."""

    pk: UUID
    name: str
    face: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label, and whether the conversation and its contact wear it."""

    pk: UUID
    name: str
    color: str
    worn: bool
    of_person: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """A macro by its button."""

    pk: UUID
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down about the contact."""

    body: str
    created_at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another conversation of the same contact."""

    number: int
    status: str
    preview: str
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """Everything beside the lines. What is called `_json` is the answer as it came: equal texts, equal contents."""

    people_json: str
    teams_json: str
    labels_json: str
    macros_json: str
    notes_json: str
    others_json: str
    campaigns_json: str
    risk_json: str
    drafts_json: str
    signature: str

    @property
    def people(self) -> list[Named]:
        """Who may be given the conversation."""
        return [
            Named(UUID(one["id"]), one["name"], picture_url(one["id"], one["picture"] or ""))
            for one in json.loads(self.people_json)
        ]

    @property
    def teams(self) -> list[Named]:
        """Teams it may be given to."""
        return [Named(UUID(key), name) for key, name in json.loads(self.teams_json)]

    @property
    def labels(self) -> list[Mark]:
        """Every label."""
        return [Mark(UUID(key), *rest) for key, *rest in json.loads(self.labels_json)]

    @property
    def macros(self) -> list[Steps]:
        """What this person may do by one click."""
        return [Steps(UUID(key), name, text) for key, name, text in json.loads(self.macros_json)]

    @property
    def notes(self) -> list[Note]:
        """The newest notes."""
        return [
            Note(body, datetime.fromisoformat(at), User(name=name or "", email=email or "").get_short_name())
            for body, at, name, email in json.loads(self.notes_json)
        ]

    @property
    def others(self) -> list[Other]:
        """The person's other conversations, newest first."""
        return [
            Other(number, status, preview, datetime.fromisoformat(at))
            for number, status, preview, at in json.loads(self.others_json)
        ]

    @property
    def campaigns(self) -> list[Named]:
        """Campaigns that wrote into this conversation, or that it answers."""
        return [Named(UUID(key), name) for key, name in json.loads(self.campaigns_json)]

    @property
    def risk(self) -> tuple[float, str] | None:
        """How likely the person is not to come back, and its band; nothing where it is not known."""
        found = json.loads(self.risk_json)
        return (float(found[0]), str(found[1])) if found else None


def opened(number: int, *, user: Any) -> Conversation | None:
    """The conversation of this number with its people, as far as they are shown; nothing when this person may not see it."""
    if not user.has_perm("chat.view_conversation"):
        return None
    with connection.cursor() as sql:
        sql.execute(OPENED, [number])
        found = sql.fetchone()
    if found is None:
        return None
    values = iter(found)
    rows = {}
    for alias, (model, _) in SHOWN.items():
        own = [_plain(name, next(values)) for name in COLUMNS[alias]]
        rows[alias] = None if own[0] is None else model.from_db(connection.alias, COLUMNS[alias], own)
    conversation: Any = rows["c"]
    conversation.contact, conversation.inbox = rows["p"], rows["i"]
    conversation.assignee, conversation.team = rows["a"], rows["t"]
    return conversation


def _plain(name: str, value: Any) -> Any:
    return json.loads(value) if name in DOCUMENTS else value


def of(conversation: Conversation, *, user: Any) -> Beside:
    """What is beside the lines of a conversation this person may see."""
    with connection.cursor() as sql:
        sql.execute(
            BESIDE,
            {
                "conversation": conversation.pk,
                "contact": conversation.contact_id,
                "user": user.pk,
                "macros": MACROS,
                "notes": NOTES,
                "others": OTHERS,
            },
        )
        *lists, drafts, signature = sql.fetchone()
    texts: list[str] = [*(one or "[]" for one in lists), drafts or "{}", signature or ""]
    return Beside(*texts)

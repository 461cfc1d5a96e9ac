"""A thread as the page draws it: messages with their day marks, told apart by who speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext

from chat.enums import Direction, Kind, PixState
from chat.models import Conversation, Message
from chat.queries import attachments
from chat.views import words

TOGETHER = timedelta(minutes=5)
QUOTE_CHARACTERS = 140
# Delivery states that say more than how far the visitor has read.
TOLD_BY_DELIVERY = frozenset({"pending", "failed", "unconfirmed"})


@dataclass(frozen=True, slots=True)
class Quote:
    """The message a line answers, shown above it."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the thread, ready for `drawing.line`."""

    key: str
    id: str
    seq: int
    kind: str
    shape: str
    author: str
    name: str
    text: str
    html: str
    at: datetime
    private: bool
    mine: bool
    state: str
    first: bool
    last: bool
    day: str
    is_news: bool
    edited: bool = False
    gone: bool = False
    error: str = ""
    quote: Quote | None = None
    may_settle: bool = False
    meta: dict[str, Any] = field(default_factory=dict)
    attachments: list[Any] = field(default_factory=list)


def of(messages: Sequence[Message], *, conversation: Conversation, user: Any, seen: int | None = None) -> list[Line]:
    """Lines of these messages. `seen` is the seq after which the first line of the visitor is news."""
    said = words.console()
    may_reply = user.has_perm("chat.reply_conversation")
    drawn: list[Line] = []
    news_shown = seen is None
    days: dict[Any, str] = {}
    before: Message | None = None
    for position, row in enumerate(messages):
        after = messages[position + 1] if position + 1 < len(messages) else None
        author, name = _author(row)
        is_activity = row.direction == Direction.ACTIVITY
        is_news = not news_shown and row.direction == Direction.IN and row.seq > (seen or 0)
        news_shown = news_shown or is_news
        day = _day(row)
        starts_day = before is None or _day(before) != day
        if starts_day and day not in days:
            days[day] = day_mark(row.created_at)
        drawn.append(
            Line(
                key=str(row.client_id),
                id=str(row.pk),
                seq=row.seq,
                kind=row.direction,
                shape=row.kind,
                author=author,
                name=name,
                text=words.activity(row.meta, by=name, words=said) if is_activity else row.body,
                html=row.body_html,
                at=row.created_at,
                private=row.private,
                mine=author == str(user.pk),
                state=_state(row, conversation),
                first=not _together(before, row),
                last=not _together(row, after),
                day=days[day] if starts_day else "",
                is_news=is_news,
                edited=row.edited_at is not None,
                gone=row.deleted_at is not None,
                error=row.error,
                quote=_quote(row, user=user, said=said),
                may_settle=may_reply and row.kind == Kind.PIX and row.meta.get("state") == PixState.OPEN,
                meta=row.meta,
                attachments=_attachments(row),
            )
        )
        before = row
    return drawn


def _quote(row: Message, *, user: Any, said: dict[str, Any]) -> Quote | None:
    if row.reply_to_id is None:
        return None
    answered = row.reply_to
    if answered is None or answered.deleted_at is not None:
        return Quote(str(row.reply_to_id), str(said["gone"]), "")
    author, name = _author(answered)
    return Quote(
        str(answered.pk), str(said["you"]) if author == str(user.pk) else name, answered.body[:QUOTE_CHARACTERS]
    )


def _attachments(row: Message) -> list[Any]:
    """Files of a message, with addresses that open them. Needs `with_people()`."""
    files = sorted(row.attachments.all(), key=attachments.in_order)
    return [attachments.wire(file) for file in files]


def _author(row: Message) -> tuple[str, str]:
    if row.author_agent is not None:
        return str(row.author_agent_id), row.author_agent.name or row.author_agent.email.split("@")[0]
    if row.author_contact_id:
        return str(row.author_contact_id), str(row.author_contact)
    return (str(row.author_bot_id), row.author_bot.name) if row.author_bot is not None else (row.direction, "")


def _state(row: Message, conversation: Conversation) -> str:
    if row.direction != Direction.OUT or row.private or row.deleted_at is not None:
        return ""
    if row.delivery in TOLD_BY_DELIVERY:
        return str(row.delivery)
    if row.seq <= conversation.contact_seen_seq:
        return "read"
    return "delivered" if row.seq <= conversation.contact_delivered_seq else "sent"


def _together(before: Message | None, after: Message | None) -> bool:
    if before is None or after is None:
        return False
    return (
        _author(before)[0] == _author(after)[0]
        and before.direction == after.direction
        and before.private == after.private
        and after.created_at - before.created_at < TOGETHER
        and _day(before) == _day(after)
    )


def _day(row: Message) -> Any:
    return timezone.localdate(row.created_at)


def day_mark(moment: datetime) -> str:
    """Today, yesterday, the weekday within a week, then the date."""
    date = timezone.localdate(moment)
    days = (timezone.localdate() - date).days
    if days <= 0:
        return gettext("Today")
    if days == 1:
        return gettext("Yesterday")
    if days < 7:
        name = formats.date_format(date, "l")
        return name[0].upper() + name[1:]
    month = formats.date_format(date, "M").lower().rstrip(".")
    return (
        f"{date.day} {month}. {date.year}"
        if (get_language() or "").startswith("pt")
        else formats.date_format(date, "j M Y")
    )

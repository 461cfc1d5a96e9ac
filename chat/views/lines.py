"""A thread as the page draws it: messages with their day marks, told apart by who speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext

from chat.enums import Direction, Kind, PixState
from chat.models import Conversation
from chat.queries import attachments
from chat.queries.spoken import Spoken
from chat.views import words

TOGETHER = timedelta(minutes=5)
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
    """One line of the thread, ready for `drawing.thread`: two equal lines look the same."""

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
    # Compared, but no part of the hash: neither has one.
    meta: dict[str, Any] = field(default_factory=dict, hash=False)
    attachments: list[Any] = field(default_factory=list, hash=False)


def of(messages: Sequence[Spoken], *, conversation: Conversation, user: Any, seen: int | None = None) -> list[Line]:
    """Lines of these messages. `seen` is the seq after which the first line of the visitor is news."""
    said = words.console()
    me, may_reply = str(user.pk), user.has_perm("chat.reply_conversation")
    drawn: list[Line] = []
    news_shown = seen is None
    days = [timezone.localdate(row.created_at) for row in messages]
    # With the one before: who speaks on within five minutes speaks once.
    joined = [
        position > 0 and days[position - 1] == days[position] and _together(messages[position - 1], row)
        for position, row in enumerate(messages)
    ] + [False]
    for position, row in enumerate(messages):
        is_activity = row.direction == Direction.ACTIVITY
        is_news = not news_shown and row.direction == Direction.IN and row.seq > (seen or 0)
        news_shown = news_shown or is_news
        starts_day = position == 0 or days[position - 1] != days[position]
        drawn.append(
            Line(
                key=row.client_id,
                id=row.pk,
                seq=row.seq,
                kind=row.direction,
                shape=row.kind,
                author=row.author,
                name=row.name,
                text=words.activity(row.meta, by=row.name, words=said) if is_activity else row.body,
                html=row.body_html,
                at=row.created_at,
                private=row.private,
                mine=row.author == me,
                state=_state(row, conversation),
                first=not joined[position],
                last=not joined[position + 1],
                day=day_mark(row.created_at) if starts_day else "",
                is_news=is_news,
                edited=row.edited,
                gone=row.gone,
                error=row.error,
                quote=_quote(row, me=me, said=said),
                meta=row.meta,
                may_settle=may_reply and row.kind == Kind.PIX and row.meta.get("state") == PixState.OPEN,
                attachments=[attachments.wire(file) for file in sorted(row.files, key=attachments.in_order)],
            )
        )
    return drawn


def _quote(row: Spoken, *, me: str, said: dict[str, Any]) -> Quote | None:
    if row.reply_to is None:
        return None
    answered = row.answered
    if answered is None or answered.gone:
        return Quote(row.reply_to, str(said["gone"]), "")
    return Quote(answered.pk, str(said["you"]) if answered.author == me else answered.name, answered.text)


def _state(row: Spoken, conversation: Conversation) -> str:
    if row.direction != Direction.OUT or row.private or row.gone:
        return ""
    if row.delivery in TOLD_BY_DELIVERY:
        return row.delivery
    if row.seq <= conversation.contact_seen_seq:
        return "read"
    return "delivered" if row.seq <= conversation.contact_delivered_seq else "sent"


def _together(before: Spoken, after: Spoken) -> bool:
    return (
        before.author == after.author
        and before.direction == after.direction
        and before.private == after.private
        and after.created_at - before.created_at < TOGETHER
    )


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

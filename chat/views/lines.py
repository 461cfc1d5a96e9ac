"""A thread as the page draws it: messages with their day marks, told apart by who speaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext

from chat.enums import Direction
from chat.models import Conversation, Message
from chat.views import words

TOGETHER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the thread, ready for `_message.html`."""

    key: str
    id: str
    seq: int
    kind: str
    author: str
    name: str
    text: str
    at: datetime
    private: bool
    mine: bool
    state: str
    first: bool
    last: bool
    day: str
    is_news: bool


def of(messages: Sequence[Message], *, conversation: Conversation, user: Any, seen: int | None = None) -> list[Line]:
    """Lines of these messages. `seen` is the seq after which the first line of the visitor is news."""
    said = words.console()
    drawn: list[Line] = []
    news_shown = seen is None
    for position, row in enumerate(messages):
        before = messages[position - 1] if position else None
        after = messages[position + 1] if position + 1 < len(messages) else None
        author, name = _author(row)
        text = row.body
        if row.direction == Direction.ACTIVITY:
            text = words.activity(row.meta, by=name, words=said)
        is_news = not news_shown and row.direction == Direction.IN and row.seq > (seen or 0)
        news_shown = news_shown or is_news
        drawn.append(
            Line(
                key=str(row.client_id),
                id=str(row.pk),
                seq=row.seq,
                kind=row.direction,
                author=author,
                name=name,
                text=text,
                at=row.created_at,
                private=row.private,
                mine=author == str(user.pk),
                state=_state(row, conversation),
                first=not _together(before, row),
                last=not _together(row, after),
                day="" if before is not None and _day(before) == _day(row) else day_mark(row.created_at),
                is_news=is_news,
            )
        )
    return drawn


def patterns() -> dict[str, Any]:
    """One line of each shape without words: what the console's module copies for what arrives live."""

    def blank(kind: str, *, private: bool = False, state: str = "") -> Line:
        return Line("", "", 0, kind, "", "", "", timezone.now(), private, False, state, True, True, "", False)

    return {
        "message": blank(Direction.OUT, state="queued"),
        "incoming": blank(Direction.IN),
        "note": blank(Direction.OUT, private=True),
        "activity": blank(Direction.ACTIVITY),
        "states": ["queued", "sending", "sent", "delivered", "read", "failed"],
    }


def _author(row: Message) -> tuple[str, str]:
    if row.author_agent is not None:
        return str(row.author_agent_id), row.author_agent.name or row.author_agent.email.split("@")[0]
    if row.author_contact_id:
        return str(row.author_contact_id), str(row.author_contact)
    return row.direction, ""


def _state(row: Message, conversation: Conversation) -> str:
    if row.direction != Direction.OUT or row.private:
        return ""
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

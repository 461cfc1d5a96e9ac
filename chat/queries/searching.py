"""One search over everything the counter keeps: conversations with what was said in them, people, articles."""

from dataclasses import dataclass
from typing import Any

from chat.models import Article, Contact, Conversation, Message
from chat.models.search import Matches, words
from chat.queries import inbox

EXCERPT = 200
# Characters of a message before the word that was looked for.
BEFORE = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation, and the newest of its messages that says the words; none when something else of it matched."""

    conversation: Conversation
    message: Message | None


def conversations(text: str, *, user: Any, limit: int) -> list[Found]:
    """Those of last activity first: by number, contact, or words of any message."""
    visible: Any = inbox.page(user=user)
    rows = list(visible.search(text).order_by("-last_activity_at", "-pk")[:limit])
    wanted = words(text.strip()[:100])
    said: dict[Any, Message] = {}
    if wanted is not None:
        saying = Message.objects.filter(Matches("body", wanted), conversation__in=[row.pk for row in rows])
        newest = saying.order_by("conversation_id", "-seq").distinct("conversation_id")
        said = {message.conversation_id: message for message in newest}
    return [Found(row, said.get(row.pk)) for row in rows]


def contacts(text: str, *, limit: int) -> list[Contact]:
    """People by name, company, e-mail, phone or identifier, those seen last first."""
    rows = Contact.objects.current().search(text).prefetch_related("labels")
    return list(rows.order_by("-last_seen_at", "-pk")[:limit])


def articles(text: str, *, limit: int) -> list[Article]:
    """Articles in every language and state, by words of title, summary or text; changed last first."""
    wanted = words(text)
    if wanted is None:
        return []
    rows = Article.objects.filter(Matches("search_text", wanted)).select_related("category")
    return list(rows.order_by("-edited_at", "-pk")[:limit])


def excerpt(body: str, text: str) -> str:
    """The part of a message around the first word that was looked for."""
    flat = " ".join(body.split())
    low = flat.casefold()
    places = [place for word in text.casefold().split() if (place := low.find(word)) >= 0]
    start = max(0, min(places, default=0) - BEFORE)
    part = flat[start : start + EXCERPT]
    return ("…" if start else "") + part + ("…" if start + EXCERPT < len(flat) else "")

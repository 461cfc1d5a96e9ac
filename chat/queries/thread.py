"""Reading one conversation: its messages, and what happened after a known place."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from chat.errors import CursorUnknown
from chat.models import ChatEvent, Conversation, Message
from chat.queries import wire

EVENTS_PAGE = 500


def for_visitor(contact_inbox_id: UUID) -> QuerySet[Conversation]:
    """The visitor's conversations, newest first, as `wire.visitor_conversation` needs them."""
    rows = Conversation.objects.of_visitor(contact_inbox_id)
    return _in_public_numbers(rows).order_by("-last_activity_at", "-pk")


def _in_public_numbers(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Add both read marks in the visitor's own numbering."""

    def public_number(mark: str) -> Coalesce:
        # Both numbers grow together, so the last public one before the mark is the greatest.
        upto = Message.objects.filter(conversation=OuterRef("pk"), pub_seq__isnull=False, seq__lte=OuterRef(mark))
        return Coalesce(Subquery(upto.order_by("-seq").values("pub_seq")[:1]), 0)

    return rows.select_related("assignee__agent_profile").annotate(
        agent_seen_pub_seq=public_number("agent_seen_seq"),
        contact_seen_pub_seq=public_number("contact_seen_seq"),
    )


def messages(conversation_id: UUID, *, before_seq: int | None = None, limit: int = 50) -> list[Message]:
    """Up to `limit` messages before a place, oldest first, everything agents may see."""
    rows = _with_answers(Message.objects.filter(conversation_id=conversation_id))
    if before_seq is not None:
        rows = rows.filter(seq__lt=before_seq)
    return list(rows.order_by("-seq")[:limit])[::-1]


def _with_answers(rows: Any) -> Any:
    """With their people, and with what they answer; the latter is asked for only where something is answered."""
    people = Message.objects.select_related("author_agent__agent_profile", "author_contact", "author_bot")
    return rows.with_people().prefetch_related(Prefetch("reply_to", people))


def events_after(conversation_id: UUID, *, after: int, visitor: bool, limit: int = EVENTS_PAGE) -> list[dict[str, Any]]:
    """Frames of what happened after `after`, in order. Raises `CursorUnknown` when part of it is no longer kept."""
    position = "pub_seq" if visitor else "seq"
    rows = list(
        ChatEvent.objects.filter(conversation_id=conversation_id, **{f"{position}__gt": after})
        .select_related("message__author_agent__agent_profile", "message__author_contact", "message__author_bot")
        .prefetch_related("message__attachments")
        .order_by(position)[:limit]
    )
    if rows and getattr(rows[0], position) != after + 1:
        raise CursorUnknown()
    if not rows and heads([conversation_id], visitor=visitor).get(str(conversation_id), 0) > after:
        raise CursorUnknown()
    return frames(rows, visitor=visitor)


def frames(rows: list[ChatEvent], *, visitor: bool) -> list[dict[str, Any]]:
    """Socket frames of history entries that were read with their messages."""
    born = {row.conversation_id for row in rows if row.type == "conversation.created"}
    known: dict[UUID, dict[str, Any]] = {}
    if born and visitor:
        told = _in_public_numbers(Conversation.objects.filter(pk__in=born))
        known = {row.pk: wire.visitor_conversation(row) for row in told}
    elif born:
        known = {row.pk: wire.conversation(row) for row in Conversation.objects.with_people().filter(pk__in=born)}
    return [wire.event(row, visitor=visitor, conversations=known) for row in rows]


def heads(conversation_ids: Iterable[UUID], *, visitor: bool) -> dict[str, int]:
    """Where each of these conversations stands."""
    position = "last_pub_seq" if visitor else "last_seq"
    return {
        str(key): head
        for key, head in Conversation.objects.filter(pk__in=set(conversation_ids)).values_list("pk", position)
    }

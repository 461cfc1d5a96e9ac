"""Who is on the website right now."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from chat.models import Contact, Conversation

MOST = 200


def here(keys: Iterable[str]) -> list[dict[str, Any]]:
    """These contacts with the conversation each has open, those seen last first."""
    latest = (
        Conversation.objects.unresolved()
        .select_related("assignee", "inbox")
        .only(
            "number",
            "status",
            "contact_id",
            "referrer",
            "assignee__name",
            "assignee__email",
            "assignee__picture",
            "inbox__name",
        )
        .order_by("contact_id", "-last_activity_at", "-pk")
    )
    wanted = [UUID(key) for key in keys]
    people = (
        Contact.objects.filter(pk__in=wanted)
        .prefetch_related(Prefetch("conversations", latest, to_attr="running"))
        .order_by("-last_seen_at", "-pk")[:MOST]
    )
    return [{"contact": one, "conversation": next(iter(getattr(one, "running", ())), None)} for one in people]

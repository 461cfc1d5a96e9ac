"""Calls as they are told to both ends."""

from typing import Any

from chat.models import Call
from chat.queries import wire as shown


def wire(row: Call) -> dict[str, Any]:
    """A call, the same for agents and visitors. Needs `with_people()`."""
    contact = row.conversation.contact
    return {
        "id": str(row.pk),
        "conversation": str(row.conversation_id),
        "number": row.conversation.number,
        "state": row.state,
        "reason": row.reason,
        "video": row.video,
        "started_by": row.started_by,
        "agent": shown.person(row.agent),
        "contact": {"id": str(contact.pk), "name": contact.name},
        "agent_peer": row.agent_peer,
        "visitor_peer": row.visitor_peer,
        "started_at": shown.instant(row.created_at),
        "rings_until": shown.instant(row.rings_until),
        "answered_at": shown.instant(row.answered_at),
        "ended_at": shown.instant(row.ended_at),
        "duration_s": row.duration_s,
    }

"""What other systems are told of the counter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.models import Conversation, Message
from chat.queries import wire
from ops.kernel.webhooks.services import deliveries

PUBLIC_NAMES = {
    "chat.message_sent": "message.created",
    "chat.conversation_started": "conversation.created",
    "chat.conversation_assigned": "conversation.assigned",
    "chat.conversation_status_changed": "conversation.status",
}


def tell(*, event_name: str, event_id: UUID, payload: Mapping[str, Any], at: datetime) -> None:
    """Queue one of our events for the webhooks that want it, with the conversation, and the message, as agents see them.

    Private notes are told too, marked `"private": true`: who sets up webhooks may read them.
    """
    public = PUBLIC_NAMES[event_name]
    if not deliveries.wanted(public):
        return
    conversation = Conversation.objects.with_people().filter(pk=payload["conversation_id"]).first()
    if conversation is None:
        return  # erased meanwhile: there is nothing left to tell
    data: dict[str, Any] = {"conversation": wire.conversation(conversation)}
    if event_name == "chat.message_sent":
        message = Message.objects.with_people().filter(pk=payload["message_id"]).first()
        if message is None:
            return
        data["message"] = wire.message(message, visitor=False)
    elif event_name == "chat.conversation_status_changed":
        data |= {"status": payload["status"], "previous": payload["previous"]}
    elif event_name == "chat.conversation_assigned":
        data["assignee_id"] = payload["assignee_id"]
    deliveries.emit(public, event_id=event_id, data=data, at=at)

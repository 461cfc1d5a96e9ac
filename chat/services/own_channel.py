"""The channel people bring themselves: messages in over the API, messages out by the webhook `channel.message`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from chat.enums import Channel, Delivery, Direction
from chat.errors import ChannelUnknown, MessageNotFound
from chat.models import Conversation, Inbox, Message
from chat.providers.channel import Incoming, IncomingFile
from chat.queries import wire
from chat.services import incoming, message_changes
from ops.kernel.webhooks.services import deliveries

EVENT = "channel.message"


def inbox_of(inbox: Inbox) -> Inbox:
    """The inbox, when it is one of this channel. Raises `ChannelUnknown`."""
    if inbox.channel != Channel.API or not inbox.active:
        raise ChannelUnknown()
    return inbox


def take_in(
    *,
    inbox: Inbox,
    source_id: str,
    message_id: str,
    body: str,
    name: str = "",
    email: str = "",
    phone: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    now: datetime,
) -> tuple[Message, bool] | None:
    """Store a message of a person who is `source_id` in the other system; `message_id` there makes it one message.

    Gives the message and whether it is new; nothing for a person the team blocked.
    """
    found = incoming.take_in(
        inbox=inbox_of(inbox),
        message=Incoming(
            external_id=message_id,
            sender=source_id,
            name=name,
            email=email,
            phone=phone,
            text=body,
            files=[IncomingFile(name=file_name, body=content) for file_name, content in files],
        ),
        now=now,
    )
    if found is not None:
        return found, True
    known = Message.objects.filter(inbox=inbox, source_id=message_id).first()
    return None if known is None else (known, False)


def take_receipt(*, inbox: Inbox, message_id: UUID, delivery: str, error: str = "", now: datetime) -> bool:
    """The other system says how far a message got; `False` when that was known. Raises `MessageNotFound`."""
    rows = Message.objects.filter(pk=message_id, inbox=inbox_of(inbox), direction__in=(Direction.OUT, Direction.BOT))
    if not rows.exists():
        raise MessageNotFound()
    return message_changes.set_delivery(message_id=message_id, delivery=Delivery(delivery), error=error, now=now)


def tell(*, event_id: UUID, message_id: UUID, at: datetime) -> None:
    """Queue the webhook about a message that the other system is to deliver."""
    if not deliveries.wanted(EVENT):
        return
    message = Message.objects.with_people().filter(pk=message_id, inbox__channel=Channel.API).first()
    if message is None:
        return
    conversation = Conversation.objects.select_related("inbox", "contact", "contact_inbox").get(
        pk=message.conversation_id
    )
    data: dict[str, Any] = {
        "inbox": {"id": str(conversation.inbox_id), "name": conversation.inbox.name},
        "contact": {**wire.contact(conversation.contact), "source_id": conversation.contact_inbox.source_id},
        "conversation": {"id": str(conversation.pk), "number": conversation.number},
        "message": wire.message(message, visitor=True),
    }
    deliveries.emit(EVENT, event_id=uuid5(event_id, EVENT), data=data, at=at)

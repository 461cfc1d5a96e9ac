"""What happens to a message after it was sent: changed, taken back, delivered, tried again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.enums import Delivery, Direction, EventType
from chat.errors import MessageNotFound, NotChangeable, NothingToRetry, NotYourMessage
from chat.events import MessageChanged, MessageRetried
from chat.models import Conversation, Message
from chat.queries import wire
from chat.services import attachments, journal, messages
from ops.kernel.audit import services as audit
from ops.kernel.outbox import services as outbox

# A channel whose messages are shown by us, so that changing one changes what the other side sees.
OURS_TO_SHOW = {"web", "api"}
# What a message's delivery may become from where it is.
FARTHER = {
    Delivery.PENDING: {Delivery.UNCONFIRMED, Delivery.SENT, Delivery.DELIVERED, Delivery.READ, Delivery.FAILED},
    Delivery.UNCONFIRMED: {Delivery.SENT, Delivery.DELIVERED, Delivery.READ, Delivery.FAILED},
    Delivery.SENT: {Delivery.DELIVERED, Delivery.READ, Delivery.FAILED},
    Delivery.DELIVERED: {Delivery.READ},
    Delivery.READ: set(),
    Delivery.FAILED: set(),
}


@transaction.atomic
def edit(*, message_id: UUID, by: Any, body: str, now: datetime | None = None) -> dict[str, Any]:
    """Change the words of one's own message; gives the message. The same words again are no change.

    Raises `MessageNotFound`, `NotYourMessage`, `NotChangeable` for what has left by another channel, `EmptyMessage`, ...
    """
    now = now or timezone.now()
    message = _locked(message_id, by=by)
    _refuse_unchangeable(message)
    if message.author_agent_id != by.pk:
        raise NotYourMessage()
    text = messages.clean(body, kind=message.kind)
    if text == message.body:
        return wire.message(message, visitor=False)
    message.body, message.body_html, message.edited_at = text, "", now
    message.save(update_fields=["body", "body_html", "edited_at"])
    _tell_change(message, EventType.MESSAGE_UPDATED, now=now)
    return wire.message(message, visitor=False)


@transaction.atomic
def edit_from_visitor(*, message_id: UUID, body: str, now: datetime) -> None:
    """Change the words of a message that its writer changed in their messenger. Raises `MessageNotFound`, `EmptyMessage`."""
    message = _locked(message_id)
    text = messages.clean(body, kind=message.kind)
    if message.deleted_at is not None or text == message.body:
        return
    message.body, message.body_html, message.edited_at = text, "", now
    message.save(update_fields=["body", "body_html", "edited_at"])
    _tell_change(message, EventType.MESSAGE_UPDATED, now=now)


@transaction.atomic
def tell_files(*, message_id: UUID, now: datetime) -> None:
    """Tell everybody that a message carries its files now: they came after its words. Raises `MessageNotFound`."""
    message = _locked(message_id)
    if not message.body:
        said = messages.words_of_files((file.name, file.voice) for file in message.attachments.all())
        Conversation.objects.filter(pk=message.conversation_id, preview="").update(preview=said)
    journal.record(
        conversation_id=message.conversation_id,
        type=EventType.MESSAGE_UPDATED,
        payload={},
        public=message.pub_seq is not None,
        message_id=message.pk,
        data=lambda visitor: wire.message(message, visitor=visitor),
        now=now,
    )


@transaction.atomic
def delete(*, message_id: UUID, by: Any, now: datetime | None = None) -> dict[str, Any]:
    """Take the words of a message away for everybody; its place in the thread stays. Deleting twice is no change.

    One's own messages, or anybody's with the permission to set up inboxes: a password in a visitor's message must
    go. Raises `MessageNotFound`, `NotYourMessage`, `NotChangeable`.
    """
    now = now or timezone.now()
    message = _locked(message_id, by=by)
    if message.deleted_at is not None:
        return wire.message(message, visitor=False)
    theirs = message.author_agent_id != by.pk
    _refuse_unchangeable(message, to_delete=True)
    if theirs and not by.has_perm("chat.manage_inbox"):
        raise NotYourMessage()
    message.body, message.body_html, message.meta, message.deleted_at = "", "", {}, now
    message.save(update_fields=["body", "body_html", "meta", "deleted_at"])
    if attachments.remove_of([message.pk]):
        message = _locked(message_id, by=by)
    _tell_change(message, EventType.MESSAGE_DELETED, now=now)
    audit.record(
        "chat.message_deleted", by=by, on=message.conversation, detail={"seq": message.seq, "theirs": theirs}, now=now
    )
    return wire.message(message, visitor=False)


@transaction.atomic
def set_meta(*, message_id: UUID, meta: dict[str, Any], now: datetime) -> None:
    """Change what a message of a kind of its own carries, such as the answer to a survey, and tell everybody."""
    message = _locked(message_id)
    if message.meta == meta or message.deleted_at is not None:
        return
    message.meta = meta
    message.save(update_fields=["meta"])
    _tell_change(message, EventType.MESSAGE_UPDATED, now=now)


@transaction.atomic
def set_delivery(*, message_id: UUID, delivery: str, error: str = "", now: datetime | None = None) -> bool:
    """Say how far a message got at its provider; `False` when it is there, or farther, already.

    Providers tell this late, twice and out of order, so it only moves up (`FARTHER`). Raises `MessageNotFound`.
    """
    message = _locked(message_id)
    wanted = Delivery(delivery)
    if wanted not in FARTHER[Delivery(message.delivery)]:
        return False
    _deliver(message, wanted, error=error if wanted in (Delivery.FAILED, Delivery.UNCONFIRMED) else "", now=now)
    return True


@transaction.atomic
def retry(*, message_id: UUID, by: Any, now: datetime | None = None) -> dict[str, Any]:
    """Send a message again that failed, or whose way nobody knows. Raises `MessageNotFound`, `NothingToRetry`."""
    message = _locked(message_id, by=by)
    if message.delivery not in (Delivery.FAILED, Delivery.UNCONFIRMED) or message.deleted_at is not None:
        raise NothingToRetry()
    _deliver(message, Delivery.PENDING, error="", now=now)
    outbox.publish(MessageRetried(message_id=str(message.pk), conversation_id=str(message.conversation_id)))
    return wire.message(message, visitor=False)


def _deliver(message: Message, wanted: Delivery, *, error: str, now: datetime | None) -> None:
    message.delivery, message.error = wanted, error[:300]
    message.save(update_fields=["delivery", "error"])
    told = {"message_id": str(message.pk), "delivery": wanted.value, "error": message.error}
    journal.record(
        conversation_id=message.conversation_id,
        type=EventType.MESSAGE_DELIVERY,
        payload={**told, "public": {"error": ""}},
        public=message.pub_seq is not None,
        message_id=message.pk,
        now=now or timezone.now(),
    )


@transaction.atomic
def change_meta(*, message_id: UUID, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Change values of what a card carries, such as the state of a Pix charge; gives the message."""
    message = _locked(message_id)
    message.meta = message.meta | changes
    message.save(update_fields=["meta"])
    _tell_change(message, EventType.MESSAGE_UPDATED, now=now)
    return wire.message(message, visitor=False)


def _locked(message_id: UUID, *, by: Any = None) -> Message:
    """The message, with its conversation locked first, as everybody who writes a history does."""
    key = Message.objects.filter(pk=message_id).values_list("conversation_id", flat=True).first()
    if key is None:
        raise MessageNotFound()
    rows = Conversation.objects.all() if by is None else Conversation.objects.visible_to(by)
    conversation = rows.filter(pk=key).select_related("inbox").select_for_update(of=("self",)).first()
    if conversation is None:
        raise MessageNotFound()
    message = Message.objects.with_people().get(pk=message_id)
    message.conversation = conversation
    return message


def _refuse_unchangeable(message: Message, *, to_delete: bool = False) -> None:
    happened = message.direction == Direction.ACTIVITY
    left = not message.private and message.conversation.inbox.channel not in OURS_TO_SHOW
    if happened or message.deleted_at is not None or (left and not to_delete):
        raise NotChangeable()


def _tell_change(message: Message, type: EventType, *, now: datetime) -> None:
    """Record that a message changed; the preview shows the newest line, so it follows when that is the one."""
    conversation = message.conversation
    newest = Message.objects.filter(conversation=conversation, pub_seq__isnull=False).exclude(
        direction=Direction.ACTIVITY
    )
    if newest.order_by("-seq").values_list("pk", flat=True).first() == message.pk:
        Conversation.objects.filter(pk=conversation.pk).update(preview=" ".join(message.body.split())[:120])
    journal.record(
        conversation_id=conversation.pk,
        type=type,
        payload={},
        public=message.pub_seq is not None,
        message_id=message.pk,
        data=lambda visitor: wire.message(message, visitor=visitor),
        now=now,
    )
    outbox.publish(
        MessageChanged(
            message_id=str(message.pk),
            conversation_id=str(conversation.pk),
            deleted=type == EventType.MESSAGE_DELETED,
        )
    )

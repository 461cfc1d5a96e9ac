"""Drafts: what an agent has begun to write, kept for every device."""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat.errors import ConversationNotFound
from chat.models import Conversation, Draft, Message
from chat.services.messages import BODY_LIMIT
from ops.kernel.errors import Invalid


@transaction.atomic
def keep(
    *, conversation_id: UUID, by: Any, body: str, private: bool = False, reply_to: UUID | None = None
) -> Draft | None:
    """Keep what was written so far; an empty text removes the draft. Raises `ConversationNotFound`, `Invalid`."""
    body = body.replace("\r\n", "\n")
    if len(body) > BODY_LIMIT:
        raise Invalid(field="body")
    if not Conversation.objects.visible_to(by).filter(pk=conversation_id).exists():
        raise ConversationNotFound()
    if not body.strip():
        drop(conversation_id=conversation_id, by=by, private=private)
        return None
    answered = Message.objects.filter(pk=reply_to, conversation=conversation_id).first() if reply_to else None
    draft, _created = Draft.objects.update_or_create(
        user=by, conversation_id=conversation_id, private=private, defaults={"body": body, "reply_to": answered}
    )
    return draft


def drop(*, conversation_id: UUID, by: Any, private: bool | None = None) -> None:
    """Forget a draft: one kind of it, or both. The sent message does the same."""
    rows = Draft.objects.filter(user=by, conversation=conversation_id)
    if private is not None:
        rows = rows.filter(private=private)
    rows.delete()

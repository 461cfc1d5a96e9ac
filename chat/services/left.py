"""Messages that visitors leave by the form that takes the chat's place far beyond the plan."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from chat.errors import TooManyMessages
from chat.models import Conversation, LeftMessage
from chat.services import contacts, conversations, journal, messages, quota
from chat.services.conversations import Visitor
from ops.kernel import live, ratelimit
from ops.kernel.audit import services as audit
from ops.kernel.errors import Conflict, Invalid, NotFound

MOST_A_MINUTE = 10


class LeftMessageNotFound(NotFound):
    """No such message."""

    code = "left_message_not_found"
    message = _("This message does not exist.")


class AlreadyHandled(Conflict):
    """It became a conversation, or was put away."""

    code = "already_handled"
    message = _("Somebody already took care of this message.")


def takes_its_place(*, visitor: Visitor, client_id: UUID, now: datetime) -> bool:
    """Whether a visitor's new conversation becomes a left message. One that was begun before is answered as before."""
    if quota.has_room(now=now):
        return False
    return not Conversation.objects.of_visitor(visitor.contact_inbox_id).filter(client_id=client_id).exists()


@transaction.atomic
def keep(
    *,
    visitor: Visitor,
    client_id: UUID,
    body: str,
    now: datetime,
    name: str = "",
    email: str = "",
    page_url: str = "",
) -> LeftMessage:
    """Keep what a visitor leaves. The same `client_id` again adds the name or e-mail that was missing.

    Raises `EmptyMessage`, `MessageTooLong`, `Invalid`, `TooManyMessages`.
    """
    text = messages.clean(body)
    email = _checked(email)
    rate = ratelimit.hit(f"chat.left.{visitor.contact_inbox_id}", limit=MOST_A_MINUTE, window_s=60)
    if not rate.allowed:
        raise TooManyMessages(retry_after=rate.wait_s)
    row, created = LeftMessage.objects.get_or_create(
        contact_inbox_id=visitor.contact_inbox_id,
        client_id=client_id,
        defaults={"name": name.strip()[:120], "email": email, "body": text, "page_url": page_url[:500], "left_at": now},
    )
    if not created and (name or email):
        row.name, row.email = name.strip()[:120] or row.name, email or row.email
        row.save(update_fields=["name", "email", "updated_at"])
    if name or email:
        contacts.introduce(contact_id=visitor.contact_id, name=name.strip() or None, email=email or None)
    if created:
        live.push(live.group("agents"), journal.forward({"type": "left_message", "id": str(row.pk)}))
    return row


def take_up(*, left_id: UUID, by: Any, now: datetime) -> Conversation:
    """Make a conversation of it, assigned to whoever takes it up. Raises `LeftMessageNotFound`, `AlreadyHandled`."""
    with transaction.atomic():
        row = _open(left_id)
        link = row.contact_inbox
        visitor = Visitor(
            contact_inbox_id=link.pk, contact_id=link.contact_id, inbox_id=link.inbox_id, name=link.contact.name
        )
        conversation = conversations.start(
            visitor=visitor,
            client_id=uuid5(row.client_id, "taken up"),
            origin=conversations.Origin(page_url=row.page_url),
            by=by,
            now=now,
        )
        messages.send_from_visitor(
            conversation_id=conversation.pk,
            visitor=visitor,
            body=row.body,
            client_id=row.client_id,
            source_id=f"left:{row.pk}",
            now=now,
        )
        row.conversation = conversation
        row.save(update_fields=["conversation", "updated_at"])
        audit.record("chat.left_message_taken_up", by=by, on=conversation, now=now)
    return conversation


@transaction.atomic
def dismiss(*, left_id: UUID, by: Any, now: datetime) -> LeftMessage:
    """Put it away without an answer; it stays in the list of what was handled."""
    row = _open(left_id)
    row.dismissed_at = now
    row.save(update_fields=["dismissed_at", "updated_at"])
    audit.record("chat.left_message_dismissed", by=by, on=row, now=now)
    return row


def _open(left_id: UUID) -> LeftMessage:
    rows = LeftMessage.objects.select_related("contact_inbox__contact").filter(pk=left_id)
    row = rows.select_for_update(of=("self",)).first()
    if row is None:
        raise LeftMessageNotFound()
    if row.conversation_id is not None or row.dismissed_at is not None:
        raise AlreadyHandled()
    return row


def _checked(email: str) -> str:
    email = email.strip().lower()
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise Invalid(_("This is not an e-mail address."), field="email") from error
    return email

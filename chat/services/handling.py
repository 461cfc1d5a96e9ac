"""What an agent does with a whole conversation besides answering it: hand over, mute, call it spam, continue elsewhere."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from chat.enums import EventType, Status
from chat.errors import ConversationNotFound, NotMergeable
from chat.models import Contact, Conversation, Team
from chat.queries import wire
from chat.services import assignment, contacts, conversations, journal, labels, messages
from chat.services.quota import METER
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.metering import services as metering


@transaction.atomic
def transfer(
    *,
    conversation_id: UUID,
    by: Any,
    to: Any = None,
    team: Team | None = None,
    note: str = "",
    client_id: UUID | None = None,
    now: datetime | None = None,
) -> None:
    """Hand a conversation over to a person or to a team, with a note for whoever takes it.

    A team without a person puts it into the team's queue. Raises `NotAnAgent`, `Invalid` without either.
    """
    if to is None and team is None:
        raise Invalid(field="assignee")
    now = now or timezone.now()
    conversation = _locked(conversation_id)
    if note.strip():
        client_id = client_id or uuid5(conversation_id, f"transfer:{conversation.last_seq}")
        messages.send(conversation_id=conversation_id, by=by, body=note, client_id=client_id, private=True, now=now)
    if team is not None:
        assignment.assign_team(conversation_id=conversation_id, team=team, by=by, now=now)
    if to is not None:
        assignment.assign(conversation_id=conversation_id, to=to, by=by, now=now)
    else:
        assignment.unassign(conversation_id=conversation_id, by=by, now=now)


@transaction.atomic
def mute(*, conversation_id: UUID, by: Any, muted: bool = True, now: datetime | None = None) -> None:
    """Notify nobody of what comes in this conversation, or notify again. Everything still arrives."""
    conversation = _locked(conversation_id)
    if conversation.muted == muted:
        return
    Conversation.objects.filter(pk=conversation_id).update(muted=muted)
    _told(conversation_id, {"muted": muted}, action={"action": "muted", "to": muted}, by=by, now=now)


@transaction.atomic
def mark_spam(
    *, conversation_id: UUID, by: Any, spam: bool = True, block: bool = False, now: datetime | None = None
) -> None:
    """Put a conversation away as spam and give it back to the plan, or take that back and open it again.

    `block` also keeps the contact from writing again.
    """
    now = now or timezone.now()
    conversation = _locked(conversation_id)
    if (conversation.spam_at is not None) == spam:
        return
    Conversation.objects.filter(pk=conversation_id).update(spam_at=now if spam else None)
    _told(conversation_id, {"spam": spam}, action={"action": "spam", "to": spam}, by=by, now=now)
    if conversation.last_contact_message_at is not None:
        # What was counted once is given back once, in the month it was counted in.
        metering.record(
            METER,
            event_id=f"spam:{conversation_id}:{conversation.last_seq}",
            quantity=-1 if spam else 1,
            now=conversation.created_at,
        )
    if spam and conversation.status != Status.RESOLVED:
        conversations.set_status(conversation_id=conversation_id, status=Status.RESOLVED, by=by, now=now)
    if not spam and conversation.status == Status.RESOLVED:
        conversations.set_status(conversation_id=conversation_id, status=Status.OPEN, by=by, now=now)
    if block and spam:
        contacts.change(contact=Contact.objects.get(pk=conversation.contact_id), by=by, now=now, blocked=True)
    audit.record(
        "chat.conversation_marked_spam" if spam else "chat.conversation_marked_no_spam",
        by=by,
        on=Conversation(pk=conversation_id, number=conversation.number),
        detail={"blocked": block and spam},
        now=now,
    )


@transaction.atomic
def merge(*, conversation_id: UUID, into: UUID, by: Any, now: datetime | None = None) -> None:
    """Continue a conversation in another one of the same contact.

    The first is resolved and keeps its messages, which stay numbered as they were; the other one gets its labels and
    a line that leads back. What the visitor writes to the first one from now on arrives in the other, when both are
    of the same browser or address. Raises `NotMergeable`.
    """
    now = now or timezone.now()
    # Always in one order, so that two merges do not block each other.
    rows = Conversation.objects.filter(pk__in={conversation_id, into}).order_by("pk").select_for_update(of=("self",))
    found = {row.pk: row for row in rows}
    if conversation_id not in found or into not in found:
        raise ConversationNotFound()
    gone, kept = found[conversation_id], found[into]
    if gone.pk == kept.pk or gone.contact_id != kept.contact_id or gone.merged_into_id or kept.merged_into_id:
        raise NotMergeable(field="into")
    if gone.status != Status.RESOLVED:
        conversations.set_status(conversation_id=gone.pk, status=Status.RESOLVED, by=by, now=now)
    Conversation.objects.filter(pk=gone.pk).update(merged_into=kept, agent_unread=0)
    for here, other, action in ((gone, kept, "merged_into"), (kept, gone, "merged_from")):
        journal.record(
            conversation_id=here.pk,
            type=EventType.CONVERSATION_MERGED,
            payload={
                **({"merged_into": kept.number, "unread": 0} if here is gone else {"merged_from": gone.number}),
                "by": wire.agent_author(by),
            },
            public=False,
            activity={"action": action, "number": other.number},
            by=by,
            now=now,
        )
    labels.change_on(conversation_id=kept.pk, add=gone.labels.all(), by=by, now=now)
    audit.record(
        "chat.conversations_merged",
        by=by,
        on=Conversation(pk=kept.pk, number=kept.number),
        detail={"from": gone.number},
        now=now,
    )


def _told(
    conversation_id: UUID, changed: dict[str, Any], *, action: dict[str, Any] | None, by: Any, now: datetime | None
) -> None:
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_ATTRS,
        payload={**changed, "by": wire.agent_author(by) if by is not None else wire.SYSTEM_AUTHOR},
        public=False,
        activity=action,
        by=by,
        now=now or timezone.now(),
    )


def _locked(conversation_id: UUID) -> Conversation:
    found = Conversation.objects.filter(pk=conversation_id).select_for_update(of=("self",)).first()
    if found is None:
        raise ConversationNotFound()
    return found

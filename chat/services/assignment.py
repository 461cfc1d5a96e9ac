"""Whose a conversation is: claimed by one, given to a person or a team, put back, handed out by routing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.enums import Direction, EventType, Status
from chat.errors import AlreadyAssigned, ConversationNotFound, NotAnAgent
from chat.events import ConversationAssigned, ConversationGivenToTeam
from chat.models import ChatEvent, Conversation, Message, Team
from chat.queries import wire
from chat.services import conversations, journal
from ops.kernel.audit import services as audit
from ops.kernel.outbox import services as outbox


def claim(*, conversation_id: UUID, by: Any, now: datetime | None = None) -> None:
    """Take a conversation nobody has. Raises `AlreadyAssigned` when somebody was first; taking one's own is no change."""
    now = now or timezone.now()
    with transaction.atomic():
        taken = Conversation.objects.filter(pk=conversation_id, assignee=None).update(assignee=by, last_activity_at=now)
        if taken:
            _assigned(conversation_id, before=None, after=by, by=by, now=now)
            return
    holder = Conversation.objects.select_related("assignee").filter(pk=conversation_id).first()
    if holder is None:
        raise ConversationNotFound()
    if holder.assignee_id != by.pk:
        raise AlreadyAssigned(name=str(holder.assignee))


def assign(*, conversation_id: UUID, to: Any, by: Any, now: datetime | None = None) -> None:
    """Give a conversation to a person who may reply, whoever has it now. Raises `NotAnAgent`."""
    if not (to.is_active and to.has_perm("chat.reply_conversation")):
        raise NotAnAgent(field="assignee")
    _reassign(conversation_id, to=to, by=by, now=now or timezone.now())


def unassign(*, conversation_id: UUID, by: Any, now: datetime | None = None) -> None:
    """Put a conversation back into the queue."""
    _reassign(conversation_id, to=None, by=by, now=now or timezone.now())


@transaction.atomic
def hand_out(*, conversation_id: UUID, to: Any, now: datetime) -> bool:
    """Routing gives a conversation of the queue to an agent; `False` when it is no longer there."""
    taken = Conversation.objects.filter(pk=conversation_id, assignee=None, status=Status.OPEN)
    if not taken.update(assignee=to, last_activity_at=now):
        return False
    _assigned(conversation_id, before=None, after=to, by=None, now=now)
    return True


@transaction.atomic
def _reassign(conversation_id: UUID, *, to: Any, by: Any, now: datetime) -> None:
    conversation = conversations.locked(conversation_id)
    if conversation.assignee_id == (to.pk if to else None):
        return
    before = conversation.assignee
    Conversation.objects.filter(pk=conversation_id).update(assignee=to, last_activity_at=now)
    _assigned(conversation_id, before=before, after=to, by=by, now=now)


def _assigned(conversation_id: UUID, *, before: Any, after: Any, by: Any, now: datetime) -> None:
    told = wire.person(wire.with_alias(after))
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_ASSIGNED,
        payload={"assignee": told, "by": conversations.author(by)},
        public=True,
        activity={"action": "assigned", "from": wire.person(wire.with_alias(before)), "to": told},
        by=by,
        now=now,
    )
    audit.record(
        "chat.conversation_assigned" if after else "chat.conversation_unassigned",
        by=by,
        on=Conversation.objects.only("number").get(pk=conversation_id),
        detail={"assignee": str(after) if after else None},
        now=now,
    )
    outbox.publish(
        ConversationAssigned(
            conversation_id=str(conversation_id),
            assignee_id=str(after.pk) if after else None,
            by_id=str(by.pk) if by is not None else None,
        )
    )


@transaction.atomic
def assign_team(*, conversation_id: UUID, team: Team | None, by: Any = None, now: datetime | None = None) -> None:
    """Give a conversation to a team, or to none. Its assignee stays; visitors are not told."""
    now = now or timezone.now()
    conversation = conversations.locked(conversation_id)
    if conversation.team_id == (team.pk if team else None):
        return
    before = conversation.team
    Conversation.objects.filter(pk=conversation_id).update(team=team, last_activity_at=now)
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_ASSIGNED,
        payload={
            "assignee": wire.person(conversation.assignee),
            "team": wire.team(team),
            "by": conversations.author(by),
        },
        public=False,
        activity={"action": "team", "from": wire.team(before), "to": wire.team(team)},
        by=by,
        now=now,
    )
    audit.record(
        "chat.conversation_given_to_team",
        by=by,
        on=Conversation(pk=conversation_id, number=conversation.number),
        detail={"team": team.name if team else None},
        now=now,
    )
    outbox.publish(
        ConversationGivenToTeam(
            conversation_id=str(conversation_id),
            team_id=str(team.pk) if team else None,
            by_id=str(by.pk) if by is not None else None,
        )
    )


@transaction.atomic
def take_answered(*, message_id: UUID, now: datetime) -> bool:
    """Whoever answered a conversation that nobody had, has it; says whether that came to pass.

    Away from the hot path, so it looks at what happened since: who was given it, or put it back, after the answer
    stays right.
    """
    message = Message.objects.select_related("author_agent__role").filter(pk=message_id).first()
    if message is None or message.direction != Direction.OUT or message.private or message.author_agent is None:
        return False
    conversation = conversations.locked(message.conversation_id)
    since = ChatEvent.objects.filter(conversation=conversation, seq__gt=message.seq)
    if conversation.assignee_id is not None or since.filter(type=EventType.CONVERSATION_ASSIGNED).exists():
        return False
    by = message.author_agent
    if not (by.is_active and by.has_perm("chat.reply_conversation")):
        return False
    Conversation.objects.filter(pk=conversation.pk).update(assignee=by)
    _assigned(conversation.pk, before=None, after=by, by=by, now=now)
    return True

"""What follows by itself from what happened: promises, away replies, rules, surveys, routing — in that order.

Called by the receivers, so it may run twice; everything below is safe to repeat.
"""

from datetime import datetime, timedelta
from uuid import UUID

from chat.enums import Direction, Status, Trigger
from chat.models import Conversation
from chat.services import automation, csat, hours, routing, sla
from ops.kernel.tasks import enqueue

# What is heard of later than this is history: an outage, an import. Nobody wants to be greeted for it.
NEWS = timedelta(hours=1)


def conversation_started(*, conversation_id: UUID, source: str, cause: str, now: datetime) -> None:
    """A new conversation is promised what its inbox promises, goes through the rules and is handed out."""
    row = _standing(conversation_id)
    if row is None:
        return
    sla.begin(conversation_id=conversation_id, now=now)
    if _is_news(row, now=now):
        automation.run(
            Trigger.CONVERSATION_STARTED, conversation_id=conversation_id, source=source, cause=cause, now=now
        )
    _serve_queue(row.inbox_id, now=now)


def message_sent(
    *, conversation_id: UUID, message_id: UUID, direction: str, private: bool, source: str, cause: str, now: datetime
) -> None:
    """A visitor wrote, or an agent replied; notes, activity lines and bots set nothing off."""
    if private or direction not in (Direction.IN, Direction.OUT):
        return
    row = _standing(conversation_id)
    if row is None:
        return
    if row.sla_policy_id is not None or row.sla is not None:
        sla.follow(conversation_id=conversation_id, now=now)
    trigger = Trigger.MESSAGE_SENT
    if direction == Direction.IN:
        trigger = Trigger.MESSAGE_RECEIVED
        if _is_news(row, now=now):
            hours.reply_while_closed(conversation_id=conversation_id, now=now)
        if row.status == Status.OPEN and row.assignee_id is None and row.queue_position is None:
            enqueue("chat.tell_queue", inbox_id=str(row.inbox_id))
    if not _is_news(row, now=now):
        return
    automation.run(trigger, conversation_id=conversation_id, message_id=message_id, source=source, cause=cause, now=now)


def status_changed(
    *,
    conversation_id: UUID,
    status: str,
    previous: str,
    by_team: bool,
    source: str,
    cause: str,
    now: datetime,
) -> None:
    """Resolving frees somebody and asks the visitor; opening again looks for somebody."""
    row = _standing(conversation_id)
    if row is None:
        return
    sla.follow(conversation_id=conversation_id, now=now)
    news = _is_news(row, now=now)
    if news and status == Status.RESOLVED:
        csat.ask(conversation_id=conversation_id, now=now)
        automation.run(
            Trigger.CONVERSATION_RESOLVED, conversation_id=conversation_id, source=source, cause=cause, now=now
        )
    elif news and status == Status.OPEN and previous in (Status.RESOLVED, Status.SNOOZED):
        # A snooze that ends leaves the conversation with whoever snoozed it; a visitor who writes wants somebody now.
        if not by_team and row.waiting_since is not None:
            routing.take_back(conversation_id=conversation_id, now=now)
        automation.run(
            Trigger.CONVERSATION_REOPENED, conversation_id=conversation_id, source=source, cause=cause, now=now
        )
    _serve_queue(None, now=now)
    enqueue("chat.tell_queue", inbox_id=str(row.inbox_id))


def assigned(*, conversation_id: UUID, source: str, cause: str, now: datetime) -> None:
    """Somebody has it, or nobody any more: in both cases there may be room, and a place in the queue, elsewhere."""
    row = _standing(conversation_id)
    if row is None:
        return
    if _is_news(row, now=now):
        automation.run(
            Trigger.CONVERSATION_ASSIGNED, conversation_id=conversation_id, source=source, cause=cause, now=now
        )
    _serve_queue(None, now=now)
    enqueue("chat.tell_queue", inbox_id=str(row.inbox_id))


def _serve_queue(inbox_id: UUID | None, *, now: datetime) -> None:
    routing.drain(now=now, inbox_ids=None if inbox_id is None else [inbox_id])
    if inbox_id is not None:
        enqueue("chat.tell_queue", inbox_id=str(inbox_id))


def _is_news(row: Conversation, *, now: datetime) -> bool:
    return row.last_activity_at > now - NEWS


def _standing(conversation_id: UUID) -> Conversation | None:
    """The conversation as it is now; it may have been erased since."""
    return (
        Conversation.objects.filter(pk=conversation_id)
        .only(
            "last_activity_at",
            "inbox_id",
            "status",
            "assignee_id",
            "waiting_since",
            "sla_policy_id",
            "sla",
            "queue_position",
        )
        .first()
    )

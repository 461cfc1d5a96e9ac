"""Calls: rung, answered, taken along over a reload, ended; what is left is a line in the thread.

Sound and picture never pass here: the two browsers find each other with what they tell over our sockets. The agent's
page makes every offer and the visitor's answers, so two offers never meet. When both ring each other at once, the
second one answers the first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from billing import entitlements
from chat.enums import CallReason, CallSide, CallState, Channel, EventType
from chat.errors import (
    AlreadyAssigned,
    CallNotFound,
    CallsOff,
    CallTaken,
    ConversationNotFound,
    FeatureNotIncluded,
    InAnotherCall,
    NobodyToCall,
    VisitorAway,
    VisitorBusy,
)
from chat.models import Call, Conversation, Inbox
from chat.queries import calls as queries
from chat.services import assignment, ice, journal, presence
from chat.services.conversations import Visitor
from ops.kernel import live
from ops.kernel.audit import services as audit
from ops.kernel.configuration import services as configuration
from ops.kernel.tasks import enqueue

# A page in a call says so every twenty seconds. Both silent, or one for longer: the call is over.
BOTH_SILENT = timedelta(seconds=60)
ONE_SILENT = timedelta(seconds=100)
ASKED_AGAIN = timedelta(seconds=45)

Party = Visitor | Any  # a visitor, or a person of the team


@dataclass(frozen=True, slots=True)
class Seat:
    """One end of a live call, for a socket that has been let in."""

    call_id: UUID
    conversation_id: UUID
    side: str


def offered(*, inbox: Inbox | None = None) -> bool:
    """Whether the plan has calls, and an inbox lets its visitors begin one."""
    return entitlements.flag("videoCall") and (inbox is None or bool(inbox.features.get("video", False)))


def start(*, conversation_id: UUID, by: Party, video: bool, peer: str, now: datetime | None = None) -> dict[str, Any]:
    """Ring the other end; answers the call. When the other end is ringing already, this answers it.

    Raises `FeatureNotIncluded` or `CallsOff`, `VisitorAway`, `NobodyToCall`, `InAnotherCall`, `VisitorBusy`.
    """
    now = now or timezone.now()
    conversation = _conversation(conversation_id, by)
    side = _side(by)
    known = Call.objects.live().filter(conversation=conversation).first()
    if known is not None:
        return _meet(known, by=by, peer=peer, now=now)
    _clear_away(conversation, by, now=now)
    _refuse(conversation, by)
    try:
        with transaction.atomic():
            row = Call.objects.create(
                conversation=conversation,
                agent_id=None if isinstance(by, Visitor) else by.pk,
                started_by=side,
                video=video,
                rings_until=now + timedelta(seconds=configuration.get(ice.SETTING)["ring_s"]),
                **{f"{side}_peer": peer, f"{side}_seen_at": now},
            )
            told = _tell(row.pk, "call.ring")
            enqueue("chat.end_unanswered_call", call_id=str(row.pk), _options={"countdown": _ring_s(row, now)})
            return told
    except IntegrityError as error:
        # Both rang at the same moment, or the agent was called elsewhere in between.
        known = Call.objects.live().filter(conversation=conversation).first()
        if known is None:
            raise InAnotherCall() from error
        return _meet(known, by=by, peer=peer, now=now)


def accept(*, call_id: UUID, by: Party, peer: str, now: datetime | None = None) -> dict[str, Any]:
    """Answer a ringing call. Of several agents the first one gets it, and the conversation when it is nobody's.

    Raises `CallNotFound` when it is over, `CallTaken`, `InAnotherCall`.
    """
    now = now or timezone.now()
    row = _find(call_id, by)
    side = _side(by)
    if row.started_by == side:
        raise CallNotFound()
    if row.state == CallState.ACTIVE:
        if _is_anothers(row, by):
            raise CallTaken()
        return join(call_id=call_id, by=by, peer=peer, now=now)
    changes: dict[str, Any] = {
        "state": CallState.ACTIVE,
        "answered_at": now,
        "updated_at": now,
        f"{side}_peer": peer,
        f"{side}_seen_at": now,
    }
    wanted = Q(pk=call_id, state=CallState.RINGING)
    if side == CallSide.AGENT:
        changes["agent"] = by
        wanted &= Q(agent=None) | Q(agent=by)
    try:
        with transaction.atomic():
            if not Call.objects.filter(wanted).update(**changes):
                raise CallTaken()
            if side == CallSide.AGENT:
                _claim(row.conversation_id, by=by, now=now)
            return _tell(call_id, "call.accept")
    except IntegrityError as error:
        raise InAnotherCall() from error


def join(*, call_id: UUID, by: Party, peer: str, now: datetime | None = None) -> dict[str, Any]:
    """Hold one's end of a call from this page, after ringing, a reload or a change of tabs; the last page counts.

    Raises `CallNotFound` for a call that is over or not one's own.
    """
    now = now or timezone.now()
    side = _side(by)
    row = _find(call_id, by)
    if _is_anothers(row, by):
        raise CallNotFound()
    with transaction.atomic():
        Call.objects.live().filter(pk=call_id).update(
            **{f"{side}_peer": peer, f"{side}_seen_at": now, "updated_at": now}
        )
        return _tell(call_id, "call.join")


def still_here(*, call_id: UUID, by: Party, now: datetime | None = None) -> None:
    """A page that holds the call says that it still does."""
    now = now or timezone.now()
    side = _side(by)
    rows = Call.objects.live()
    rows = rows.of_visitor(by.contact_inbox_id) if isinstance(by, Visitor) else rows.of_agent(by)
    if not rows.filter(pk=call_id).update(**{f"{side}_seen_at": now}):
        raise CallNotFound()


def decline(*, call_id: UUID, by: Party, busy: bool = False, now: datetime | None = None) -> None:
    """Do not take a call. An agent who declines a visitor's call stops only their own ringing: others may answer.

    Raises `CallNotFound`.
    """
    row = _find(call_id, by)
    if row.state != CallState.RINGING or row.started_by == _side(by):
        raise CallNotFound()
    if row.started_by == CallSide.VISITOR and not _alone(by):
        return
    _end(row.pk, reason=CallReason.BUSY if busy else CallReason.DECLINED, by=by, now=now or timezone.now())


def end(*, call_id: UUID, by: Party, now: datetime | None = None) -> None:
    """Hang up, or take a call back that nobody has answered. Twice is no change. Raises `CallNotFound`."""
    row = _find(call_id, by, over=True)
    if row.state == CallState.RINGING:
        if row.started_by != _side(by):
            decline(call_id=call_id, by=by, now=now)
            return
        _end(row.pk, reason=CallReason.CANCELLED, by=by, now=now or timezone.now())
    elif row.state == CallState.ACTIVE:
        if _is_anothers(row, by):
            raise CallNotFound()
        _end(row.pk, reason=CallReason.COMPLETED, by=by, now=now or timezone.now())


def ring_out(*, call_id: UUID, now: datetime) -> None:
    """Nobody answered in time; nothing happens when somebody did."""
    if Call.objects.filter(pk=call_id, state=CallState.RINGING, rings_until__lte=now).exists():
        _end(call_id, reason=CallReason.MISSED, by=None, now=now)


def sweep(*, now: datetime) -> int:
    """End calls that rang out unseen and calls whose pages are gone; returns how many."""
    silent = Q(agent_seen_at__lt=now - BOTH_SILENT, visitor_seen_at__lt=now - BOTH_SILENT)
    silent |= Q(agent_seen_at__lt=now - ONE_SILENT) | Q(visitor_seen_at__lt=now - ONE_SILENT)
    return _end_forgotten(Call.objects.live(), silent, now=now)


def _clear_away(conversation: Conversation, by: Party, *, now: datetime) -> None:
    """Calls that a closed page left behind keep nobody from calling again."""
    mine = Call.objects.live().of_visitor(conversation.contact_inbox_id)
    _end_forgotten(mine, Q(visitor_seen_at__lt=now - ASKED_AGAIN), now=now)
    if not isinstance(by, Visitor):
        mine = Call.objects.live().of_agent(by)
        _end_forgotten(mine, Q(agent_seen_at__lt=now - ASKED_AGAIN), now=now)
    # Who rings somewhere else has given up ringing here.
    for key in mine.filter(state=CallState.RINGING, started_by=_side(by)).values_list("pk", flat=True):
        _end(key, reason=CallReason.CANCELLED, by=by, now=now)


def _end_forgotten(rows: Any, silent: Q, *, now: datetime) -> int:
    over = 0
    unanswered = Q(state=CallState.RINGING, rings_until__lte=now)
    for row in rows.filter(unanswered | Q(silent, state=CallState.ACTIVE)).order_by("pk"):
        reason = CallReason.MISSED if row.state == CallState.RINGING else CallReason.LOST
        over += _end(row.pk, reason=reason, by=None, now=now)
    return over


def mine(*, by: Party) -> list[dict[str, Any]]:
    """The live calls a person is in, and those that ring for them."""
    rows = Call.objects.live().with_people()
    if isinstance(by, Visitor):
        rows = rows.of_visitor(by.contact_inbox_id)
    else:
        seen = Conversation.objects.visible_to(by)
        rows = rows.filter(Q(agent=by) | Q(agent=None, state=CallState.RINGING), conversation__in=seen)
    return [queries.wire(row) for row in rows.order_by("-created_at", "-pk")[:10]]


def seat(*, call_id: UUID, by: Party) -> Seat:
    """The end of a live call that a socket may listen at: one's own, or the team's while nobody has answered yet.

    Raises `CallNotFound`.
    """
    row = _find(call_id, by)
    if _is_anothers(row, by) and not (row.agent_id is None and row.state == CallState.RINGING):
        raise CallNotFound()
    return Seat(row.pk, row.conversation_id, _side(by))


def _meet(row: Call, *, by: Party, peer: str, now: datetime) -> dict[str, Any]:
    """Somebody starts a call where one is: answer it, or come back to it."""
    side = _side(by)
    if row.state == CallState.RINGING and row.started_by != side:
        return accept(call_id=row.pk, by=by, peer=peer, now=now)
    if _is_anothers(row, by):
        raise CallTaken()
    return join(call_id=row.pk, by=by, peer=peer, now=now)


def _refuse(conversation: Conversation, by: Party) -> None:
    visitor = isinstance(by, Visitor)
    if not offered():
        raise CallsOff() if visitor else FeatureNotIncluded()
    if conversation.inbox.channel != Channel.WEB or (visitor and not offered(inbox=conversation.inbox)):
        raise CallsOff()
    if Call.objects.live().of_visitor(conversation.contact_inbox_id).exists():
        raise InAnotherCall() if visitor else VisitorBusy()
    if visitor:
        if not presence.anybody_there():
            raise NobodyToCall()
    elif Call.objects.live().of_agent(by).exists():
        raise InAnotherCall()
    elif not presence.visitors_here([conversation.contact_id]):
        raise VisitorAway()


def _conversation(conversation_id: UUID, by: Party) -> Conversation:
    if isinstance(by, Visitor):
        rows = Conversation.objects.of_visitor(by.contact_inbox_id)
    else:
        rows = Conversation.objects.visible_to(by)
    row = rows.select_related("inbox").filter(pk=conversation_id).first()
    if row is None:
        raise ConversationNotFound()
    return row


def _find(call_id: UUID, by: Party, *, over: bool = False) -> Call:
    rows = Call.objects.all() if over else Call.objects.live()
    if isinstance(by, Visitor):
        rows = rows.of_visitor(by.contact_inbox_id)
    else:
        rows = rows.filter(conversation__in=Conversation.objects.visible_to(by))
    row = rows.filter(pk=call_id).first()
    if row is None:
        raise CallNotFound()
    return row


def _side(by: Party) -> str:
    return CallSide.VISITOR.value if isinstance(by, Visitor) else CallSide.AGENT.value


def _is_anothers(row: Call, by: Party) -> bool:
    """Whether another agent is in this call, or nobody of the team yet."""
    return not isinstance(by, Visitor) and row.agent_id != by.pk


def _alone(by: Any) -> bool:
    """Whether no other agent who is online could answer."""
    return not set(presence.states()) - {str(by.pk)}


def _ring_s(row: Call, now: datetime) -> float:
    return max(1.0, (row.rings_until - now).total_seconds() + 1)


def _claim(conversation_id: UUID, *, by: Any, now: datetime) -> None:
    try:
        assignment.claim(conversation_id=conversation_id, by=by, now=now)
    except AlreadyAssigned:
        # A colleague's conversation: whoever answers the telephone helps out.
        return


@transaction.atomic
def _end(call_id: UUID, *, reason: CallReason, by: Party | None, now: datetime) -> bool:
    """End a live call, tell both ends, and leave a line in the thread; `False` when it was over already."""
    row = Call.objects.live().filter(pk=call_id).with_people().select_for_update(of=("self",)).first()
    if row is None:
        return False
    Call.objects.filter(pk=call_id).update(state=CallState.ENDED, reason=reason, ended_at=now, updated_at=now)
    row.state, row.reason, row.ended_at = CallState.ENDED, reason, now
    agent = row.agent
    journal.record(
        conversation_id=row.conversation_id,
        type=EventType.CONVERSATION_CALL,
        payload={"call": str(row.pk), "reason": reason.value, "duration_s": row.duration_s},
        public=True,
        activity={
            "action": "call",
            "reason": reason.value,
            "video": row.video,
            "duration_s": row.duration_s,
            "started_by": row.started_by,
            "agent": queries.wire(row)["agent"],
        },
        by=agent,
        now=now,
    )
    frame = {
        CallReason.MISSED: "call.timeout",
        CallReason.DECLINED: "call.decline",
        CallReason.BUSY: "call.busy",
    }.get(reason, "call.end")
    _push(row, frame)
    audit.record(
        "chat.call_ended",
        by=by if by is not None and not isinstance(by, Visitor) else None,
        on=Conversation(pk=row.conversation_id, number=row.conversation.number),
        detail={"reason": reason.value, "seconds": row.duration_s},
        now=now,
    )
    return True


def _tell(call_id: UUID, frame: str) -> dict[str, Any]:
    row = Call.objects.with_people().get(pk=call_id)
    return _push(row, frame)


def _push(row: Call, frame: str) -> dict[str, Any]:
    """Tell both ends where a call stands, once that is committed."""
    told = queries.wire(row)
    message = journal.forward({"type": frame, "conversation": str(row.conversation_id), "call": told})
    live.push(live.group("agents"), message)
    live.push(live.group(f"pub.{row.conversation_id}"), message)
    return told

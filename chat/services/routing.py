"""Handing out conversations, and the queue of those that nobody has.

One transaction picks the conversation that waits longest and the agent who is there, belongs to the inbox, has room, and
has the fewest or was last served longest ago. Both rows are locked with SKIP LOCKED, so nobody waits for a row that
somebody else works on; whoever holds it publishes an event afterwards, and every such event drains the queue again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from chat.enums import AssignmentMode, Availability, EventType, ReopenTo, Status
from chat.models import AgentProfile, Conversation, Inbox
from chat.queries import opening
from chat.services import assignment, journal, presence
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.tasks import enqueue
from tenants.accounts.models import User

DEFAULT_CAPACITY = 8
BY_ITSELF = [AssignmentMode.LEAST_BUSY.value, AssignmentMode.ROUND_ROBIN.value]
MOST_CAPACITY = 500
# Conversations handed out in one transaction; what is left goes into the next one.
BATCH = 20
# The first of the queue hear of every step; who stands farther back hears when it moved by as many.
NEAR = 10
MOST_TOLD = 500
WAIT_SAMPLES = 20
WAIT_WINDOW = timedelta(days=7)
FEWEST_SAMPLES = 3


def settings_of(inbox: Inbox) -> dict[str, Any]:
    """How an inbox hands out, with what is left out filled in."""
    given = inbox.assignment or {}
    return {
        "mode": given.get("mode", AssignmentMode.MANUAL.value),
        "reopen_to": given.get("reopen_to", ReopenTo.SAME_IF_ONLINE.value),
        "capacity": given.get("capacity", DEFAULT_CAPACITY),
    }


@transaction.atomic
def configure(
    *,
    inbox: Inbox,
    by: Any,
    now: datetime,
    mode: str | None = None,
    reopen_to: str | None = None,
    capacity: int | None = None,
) -> Inbox:
    """Say how an inbox hands out its conversations. Raises `Invalid`."""
    inbox = Inbox.objects.select_for_update().get(pk=inbox.pk)
    wanted = settings_of(inbox)
    if mode is not None:
        if mode not in AssignmentMode.values:
            raise Invalid(field="mode")
        wanted["mode"] = mode
    if reopen_to is not None:
        if reopen_to not in ReopenTo.values:
            raise Invalid(field="reopen_to")
        wanted["reopen_to"] = reopen_to
    if capacity is not None:
        if not 1 <= capacity <= MOST_CAPACITY:
            raise Invalid(_("Between 1 and %(limit)s.") % {"limit": MOST_CAPACITY}, field="capacity")
        wanted["capacity"] = capacity
    inbox.assignment = wanted
    inbox.save(update_fields=["assignment", "updated_at"])
    audit.record("chat.routing_changed", by=by, on=inbox, detail=wanted, now=now)
    enqueue("chat.drain_queue", inbox_id=str(inbox.pk))
    return inbox


# --- Handing out ---------------------------------------------------------------------------------------


def drain(*, now: datetime, inbox_ids: Iterable[UUID] | None = None, limit: int = BATCH) -> int:
    """Hand out what waits, longest waiting first, as long as somebody has room; returns how many.

    Inboxes that are closed, or whose agents take conversations themselves, keep their queue. What is beyond `limit` is
    left to a task of its own, and the visitors' places are told by another: this transaction holds rows of many.
    """
    inboxes = Inbox.objects.active().filter(assignment__mode__in=BY_ITSELF).order_by("pk")
    if inbox_ids is not None:
        inboxes = inboxes.filter(pk__in=set(inbox_ids))
    waiting = Conversation.objects.filter(status=Status.OPEN, assignee=None)
    rows = list(inboxes.filter(pk__in=waiting.values("inbox")))
    if not rows:
        return 0
    calendars = opening.for_inboxes(rows)
    given = 0
    for inbox in rows:
        if not calendars[inbox.pk].is_open(now):
            continue
        while given < limit and assign_next(inbox=inbox, now=now):
            given += 1
    if given >= limit:
        enqueue("chat.drain_queue")
    return given


@transaction.atomic
def assign_next(*, inbox: Inbox, now: datetime) -> UUID | None:
    """Give the conversation of this inbox that waits longest to the agent whose turn it is; nothing when that fails.

    A conversation of a team goes to the team's people only; while none of them has room, the next one is tried.
    """
    # Two drains at once would each skip the agent the other one has just locked, and leave the queue standing.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{connection.schema_name}:chat.routing"])
    here = _there()
    tried: set[UUID | None] = set()
    while True:
        queue = Conversation.objects.queue().filter(inbox=inbox)
        if None in tried:
            queue = queue.exclude(team=None)
        conversation = (
            queue.exclude(team__in=[key for key in tried if key is not None])
            .select_for_update(of=("self",), skip_locked=True)
            .only("pk", "team_id")
            .first()
        )
        if conversation is None:
            return None
        agent = _pick(inbox, team_id=conversation.team_id, here=here)
        if agent is not None:
            assignment.hand_out(conversation_id=conversation.pk, to=agent.user, now=now)
            return conversation.pk
        tried.add(conversation.team_id)


def _pick(inbox: Inbox, *, team_id: UUID | None, here: set[str]) -> AgentProfile | None:
    """The agent whose turn it is, locked."""
    how = settings_of(inbox)
    _make_profiles(here)
    rows = AgentProfile.objects.filter(
        user__in=User.objects.seated(), availability=Availability.ONLINE, open_count__lt=_room(how["capacity"])
    ).filter(Q(auto_offline=False) | Q(user__in=here))
    if inbox.inbox_members.exists():
        rows = rows.filter(user__chat_inbox_members__inbox=inbox)
    if team_id is not None:
        rows = rows.filter(user__chat_team_members__team=team_id)
    served = F("last_assigned_at").asc(nulls_first=True)
    in_turn: list[Any] = [served, "open_count"] if how["mode"] == AssignmentMode.ROUND_ROBIN else ["open_count", served]
    return (
        rows.order_by(*in_turn, "pk").select_related("user").select_for_update(of=("self",), skip_locked=True).first()
    )


def _room(capacity: int) -> Coalesce:
    """An agent's own number, else the inbox's."""
    return Coalesce(F("capacity"), capacity)


def _there() -> set[str]:
    """Ids of agents who have the console open and say they are online."""
    return {key for key, state in presence.states().items() if state == Availability.ONLINE}


def _make_profiles(user_ids: set[str]) -> None:
    """Agents who never had anything have no profile yet."""
    missing = User.objects.seated().filter(pk__in=user_ids, agent_profile=None)
    AgentProfile.objects.bulk_create([AgentProfile(user=user) for user in missing], ignore_conflicts=True)


def is_there(user_id: UUID) -> bool:
    """Whether a conversation may go back to this agent without asking how much they have."""
    profile = AgentProfile.objects.filter(user=user_id).first()
    if profile is None:
        return str(user_id) in _there()
    if profile.availability != Availability.ONLINE:
        return False
    return not profile.auto_offline or str(user_id) in _there()


def take_back(*, conversation_id: UUID, now: datetime) -> bool:
    """A visitor opened a conversation again: unless its agent is there to go on, and may, it goes into the queue."""
    row = Conversation.objects.select_related("inbox").filter(pk=conversation_id, status=Status.OPEN).first()
    if row is None or row.assignee_id is None:
        return False
    if settings_of(row.inbox)["reopen_to"] == ReopenTo.SAME_IF_ONLINE and is_there(row.assignee_id):
        return False
    assignment.unassign(conversation_id=conversation_id, by=None, now=now)
    return True


# --- The queue, as visitors hear of it -----------------------------------------------------------------


def mean_wait_s(inbox_id: UUID, *, now: datetime) -> int | None:
    """How long the last ones waited until somebody took them; nothing while too few did."""
    lately = (
        Conversation.objects.filter(
            inbox=inbox_id, queue_waited_s__isnull=False, last_activity_at__gte=now - WAIT_WINDOW
        )
        .order_by("-last_activity_at", "-pk")
        .values_list("queue_waited_s", flat=True)[:WAIT_SAMPLES]
    )
    waits = [seconds for seconds in lately if seconds is not None]
    return round(sum(waits) / len(waits)) if len(waits) >= FEWEST_SAMPLES else None


def tell_places(*, now: datetime, inbox_id: UUID | None = None) -> int:
    """Tell visitors in the queue where they stand and how long the last ones waited; returns how many were told.

    Each in a transaction of its own: somebody may be taking that very conversation.
    """
    queues = Conversation.objects.filter(status=Status.OPEN, assignee=None)
    inboxes = [inbox_id] if inbox_id is not None else list(queues.order_by().values_list("inbox", flat=True).distinct())
    told = 0
    for key in inboxes:
        rows = Conversation.objects.queue().filter(inbox=key, waiting_since__isnull=False)
        places = list(rows.values_list("pk", "queue_position")[:MOST_TOLD])
        wait_s = mean_wait_s(key, now=now) if places else None
        for place, (conversation_id, known) in enumerate(places, start=1):
            if known is None or (known != place and (place <= NEAR or abs(known - place) >= NEAR)):
                told += _tell_place(conversation_id, place=place, wait_s=wait_s, now=now)
    return told


@transaction.atomic
def _tell_place(conversation_id: UUID, *, place: int, wait_s: int | None, now: datetime) -> int:
    still = Conversation.objects.filter(pk=conversation_id, status=Status.OPEN, assignee=None)
    if not still.update(queue_position=place, queue_wait_s=wait_s):
        return 0
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_QUEUE,
        payload={"position": place, "wait_s": wait_s},
        public=True,
        now=now,
    )
    return 1

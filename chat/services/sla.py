"""Promised times: clocks that follow what happens in a conversation, stand still while nobody could answer, and speak up.

`follow` compares what a conversation's state asks for with the clocks that run, so it may run twice or late and comes
to the same end. Clocks run only while the conversation is open: with the bot, or snoozed, they stand still.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import EventType, SlaKind, Status
from chat.errors import ConversationNotFound
from chat.events import SlaBreached, SlaWarned
from chat.models import Conversation, Inbox, SlaEvent, SlaPolicy
from chat.queries import opening, wire
from chat.services import journal
from ops.kernel.audit import services as audit
from ops.kernel.errors import Conflict, Invalid
from ops.kernel.outbox import services as outbox

MOST_MINUTES = 60 * 24 * 365
MOST_A_SWEEP = 500
FIELDS = {
    "name",
    "description",
    "first_response_min",
    "next_response_min",
    "resolution_min",
    "business_hours",
    "warn_percent",
    "active",
}
ALWAYS_OPEN_ZONE = opening.ZoneInfo("UTC")


class PolicyNameTaken(Conflict):
    """Another service level has that name."""

    code = "name_taken"
    message = _("Another one has this name.")


# --- Policies ------------------------------------------------------------------------------------------


@transaction.atomic
def create_policy(*, by: Any, now: datetime, **fields: Any) -> SlaPolicy:
    """Add a service level. `inboxes`, ids, are those whose new conversations get it. Raises `Invalid`, `PolicyNameTaken`."""
    inboxes = fields.pop("inboxes", None)
    policy = SlaPolicy()
    _fill(policy, fields)
    _give_to(policy, inboxes)
    audit.record("chat.sla_created", by=by, on=policy, now=now)
    return policy


@transaction.atomic
def change_policy(*, policy: SlaPolicy, by: Any, now: datetime, **fields: Any) -> SlaPolicy:
    """Change a service level. Clocks that run already keep what was promised when they began."""
    changed = sorted(fields)
    inboxes = fields.pop("inboxes", None)
    _fill(policy, fields)
    _give_to(policy, inboxes)
    audit.record("chat.sla_changed", by=by, on=policy, detail={"fields": changed}, now=now)
    return policy


@transaction.atomic
def delete_policy(*, policy: SlaPolicy, by: Any, now: datetime) -> None:
    """Remove a service level; its clocks stop, what was kept and broken stays in the history."""
    audit.record("chat.sla_deleted", by=by, on=policy, now=now)
    for key in Conversation.objects.filter(sla_policy=policy).order_by("pk").values_list("pk", flat=True):
        apply(conversation_id=key, policy=None, now=now)
    policy.delete()


def _give_to(policy: SlaPolicy, inbox_ids: Iterable[UUID] | None) -> None:
    """These inboxes promise it from now on; those that did and are not named promise nothing."""
    if inbox_ids is None:
        return
    wanted = {UUID(str(key)) for key in inbox_ids}
    known = set(Inbox.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if known != wanted:
        raise Invalid(_("Choose inboxes from the list."), field="inboxes")
    Inbox.objects.filter(sla_policy=policy).exclude(pk__in=wanted).update(sla_policy=None)
    Inbox.objects.filter(pk__in=wanted).update(sla_policy=policy)


def _fill(policy: SlaPolicy, fields: dict[str, Any]) -> None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"These are no fields of a service level: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(policy, name, value.strip() if isinstance(value, str) else value)
    if not policy.name:
        raise Invalid(_("Give it a name."), field="name")
    if not 1 <= policy.warn_percent <= 100:
        raise Invalid(_("Between 1 and 100."), field="warn_percent")
    promised = ("first_response_min", "next_response_min", "resolution_min")
    for name in promised:
        value = getattr(policy, name)
        if value is not None and not 1 <= value <= MOST_MINUTES:
            raise Invalid(_("Between one minute and a year."), field=name)
    if not any(getattr(policy, name) for name in promised):
        raise Invalid(_("Promise at least one time."), field="first_response_min")
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise PolicyNameTaken(field="name") from error


# --- Clocks --------------------------------------------------------------------------------------------


@transaction.atomic
def apply(*, conversation_id: UUID, policy: SlaPolicy | None, now: datetime) -> None:
    """Promise something else for this conversation; `None` promises nothing. Running clocks are cancelled."""
    conversation = _locked(conversation_id)
    if conversation.sla_policy_id == (policy.pk if policy else None):
        return
    SlaEvent.objects.filter(conversation=conversation, ended_at=None).update(ended_at=now, cancelled=True)
    Conversation.objects.filter(pk=conversation_id).update(sla_policy=policy)
    follow(conversation_id=conversation_id, now=now)


@transaction.atomic
def begin(*, conversation_id: UUID, now: datetime) -> None:
    """Give a new conversation what its inbox promises."""
    row = Conversation.objects.select_related("inbox__sla_policy").filter(pk=conversation_id).first()
    policy = row.inbox.sla_policy if row is not None else None
    if row is None or row.sla_policy_id is not None or policy is None or not policy.active:
        return
    Conversation.objects.filter(pk=conversation_id).update(sla_policy=policy)
    follow(conversation_id=conversation_id, now=now)


@transaction.atomic
def follow(*, conversation_id: UUID, now: datetime) -> None:
    """Start, pause, resume and end clocks until they fit the conversation as it is; tell the team when something changed."""
    conversation = _locked(conversation_id)
    running = {row.kind: row for row in SlaEvent.objects.filter(conversation=conversation, ended_at=None)}
    policy = conversation.sla_policy
    if policy is None and not running:
        _show(conversation, None, what="ended", now=now)
        return
    calendar = _calendar(conversation.inbox, policy)
    wanted = _wanted(conversation, policy, now=now)
    what = ""
    for kind, clock in list(running.items()):
        began = wanted.get(kind)
        # A reply and the next question may both have happened since: that is another promise.
        if began is None or (kind == SlaKind.NEXT_RESPONSE and clock.started_at < began - timedelta(milliseconds=1)):
            _end(clock, conversation, now=now)
            del running[kind]
            what = "ended"
    if policy is not None:
        for kind, began in wanted.items():
            if kind not in running:
                made = _start(conversation, policy, kind, began=began, calendar=calendar)
                if made is not None:
                    running[kind] = made
                    what = "started"
    for clock in running.values():
        if _pause_or_resume(clock, is_open=conversation.status == Status.OPEN, calendar=calendar, now=now):
            what = what or ("resumed" if clock.due_at else "paused")
    _show(conversation, _next(running.values()), what=what, now=now)


def _wanted(conversation: Conversation, policy: SlaPolicy | None, *, now: datetime) -> dict[str, datetime]:
    """Which promises are open, and since when."""
    if policy is None or conversation.status == Status.RESOLVED:
        return {}
    wanted: dict[str, datetime] = {}
    if conversation.waiting_since is not None:
        if conversation.first_reply_at is None:
            if policy.first_response_min:
                wanted[SlaKind.FIRST_RESPONSE] = conversation.waiting_since
        elif policy.next_response_min:
            wanted[SlaKind.NEXT_RESPONSE] = conversation.waiting_since
    if policy.resolution_min:
        wanted[SlaKind.RESOLUTION] = now
    return wanted


def _start(
    conversation: Conversation, policy: SlaPolicy, kind: str, *, began: datetime, calendar: opening.Calendar
) -> SlaEvent | None:
    already = SlaEvent.objects.filter(conversation=conversation, kind=kind, cancelled=False)
    if kind == SlaKind.FIRST_RESPONSE and already.exists():
        return None
    if kind == SlaKind.RESOLUTION and not already.exists():
        began = conversation.created_at
    target_s = 60 * getattr(policy, f"{kind}_min")
    clock = SlaEvent(conversation=conversation, policy=policy, kind=kind, target_s=target_s, started_at=began)
    _set(clock, left_s=target_s, at=began, calendar=calendar)
    clock.save()
    return clock


def _set(clock: SlaEvent, *, left_s: float, at: datetime, calendar: opening.Calendar) -> None:
    """Let a clock run from `at` with so much left."""
    clock.left_s = None
    clock.due_at = calendar.add(at, left_s)
    margin_s = clock.target_s * (100 - (clock.policy.warn_percent if clock.policy else 100)) / 100
    clock.warn_at = calendar.add(at, max(0.0, left_s - margin_s)) if clock.warned_at is None else clock.warn_at


def _pause_or_resume(clock: SlaEvent, *, is_open: bool, calendar: opening.Calendar, now: datetime) -> bool:
    if is_open and clock.left_s is not None:
        _set(clock, left_s=clock.left_s, at=now, calendar=calendar)
    elif not is_open and clock.left_s is None and clock.due_at is not None and clock.breached_at is None:
        clock.left_s = max(0, round(calendar.between(now, clock.due_at)))
        clock.due_at = clock.warn_at = None
    else:
        return False
    clock.save(update_fields=["left_s", "due_at", "warn_at"])
    return True


def _end(clock: SlaEvent, conversation: Conversation, *, now: datetime) -> None:
    """The promise was kept or is moot. A reply ends it when it was written, not when we hear of it."""
    ended = now
    if clock.kind == SlaKind.FIRST_RESPONSE and conversation.first_reply_at is not None:
        ended = conversation.first_reply_at
    if clock.kind == SlaKind.RESOLUTION and conversation.resolved_at is not None:
        ended = conversation.resolved_at
    if clock.due_at is not None and clock.breached_at is None and ended > clock.due_at:
        clock.breached_at = clock.due_at
    clock.ended_at = max(ended, clock.started_at)
    clock.save(update_fields=["ended_at", "breached_at"])


def sweep(*, now: datetime, limit: int = MOST_A_SWEEP) -> int:
    """Warn of and break the promises whose time has come; returns how many. Safe to run twice."""
    due = (
        SlaEvent.objects.filter(ended_at=None)
        .filter(Q(warn_at__lte=now, warned_at=None, breached_at=None) | Q(due_at__lte=now, breached_at=None))
        .order_by("pk")
        .values_list("pk", "conversation_id")[:limit]
    )
    found = list(due)
    for key, conversation_id in found:
        _strike(key, conversation_id, now=now)
    return len(found)


@transaction.atomic
def _strike(key: UUID, conversation_id: UUID, *, now: datetime) -> None:
    conversation = _locked(conversation_id)
    clock = SlaEvent.objects.select_related("policy").filter(pk=key, ended_at=None).first()
    if clock is None:
        return
    fact = {"sla_event_id": str(clock.pk), "conversation_id": str(conversation_id), "kind": clock.kind}
    if clock.due_at is not None and clock.due_at <= now and clock.breached_at is None:
        clock.breached_at = clock.due_at
        outbox.publish(SlaBreached(**fact))
        what = "breach"
    elif clock.warn_at is not None and clock.warn_at <= now and clock.warned_at is None:
        clock.warned_at = now
        outbox.publish(SlaWarned(**fact))
        what = "warning"
    else:
        return
    clock.save(update_fields=["warned_at", "breached_at"])
    running = SlaEvent.objects.filter(conversation=conversation, ended_at=None)
    _show(conversation, _next(running), what=what, now=now)


@transaction.atomic
def keep_what_is_left(*, inbox: Inbox, before: opening.Calendar, after: opening.Calendar, now: datetime) -> None:
    """The inbox's hours changed: clocks keep the open time they have left. Raises nothing."""
    if before == after:
        return
    clocks = (
        SlaEvent.objects.filter(
            conversation__inbox=inbox,
            ended_at=None,
            breached_at=None,
            due_at__isnull=False,
            policy__business_hours=True,
        )
        .select_related("policy")
        .order_by("conversation_id", "pk")
    )
    changed: dict[UUID, None] = {}
    for clock in clocks:
        assert clock.due_at is not None
        _set(clock, left_s=max(0.0, before.between(now, clock.due_at)), at=now, calendar=after)
        clock.save(update_fields=["left_s", "due_at", "warn_at"])
        changed[clock.conversation_id] = None
    for key in changed:
        conversation = _locked(key)
        running = SlaEvent.objects.filter(conversation=conversation, ended_at=None)
        _show(conversation, _next(running), what="moved", now=now)


def _calendar(inbox: Inbox, policy: SlaPolicy | None) -> opening.Calendar:
    if policy is not None and policy.business_hours:
        return opening.of(inbox)
    return opening.Calendar(ALWAYS_OPEN_ZONE)


def _next(clocks: Any) -> SlaEvent | None:
    """The clock the list shows: a broken promise first, else what ends soonest, else what stands still."""
    far = datetime.max.replace(tzinfo=opening.UTC)
    return min(clocks, key=lambda row: (row.breached_at is None, row.due_at or far, row.kind), default=None)


def _show(conversation: Conversation, clock: SlaEvent | None, *, what: str, now: datetime) -> None:
    """Keep the ring of the list in the conversation's row, and tell the team when it changed."""
    shown = None if clock is None else wire.clock(clock)
    if shown == conversation.sla:
        return
    Conversation.objects.filter(pk=conversation.pk).update(
        sla=shown, sla_due_at=clock.due_at if clock is not None else None
    )
    conversation.sla = shown
    journal.record(
        conversation_id=conversation.pk,
        type=EventType.CONVERSATION_SLA,
        payload={"sla": shown, "what": what or "moved"},
        public=False,
        now=now,
    )


def _locked(conversation_id: UUID) -> Conversation:
    rows = Conversation.objects.select_related("inbox", "sla_policy").filter(pk=conversation_id)
    conversation = rows.select_for_update(of=("self",)).first()
    if conversation is None:
        raise ConversationNotFound()
    return conversation

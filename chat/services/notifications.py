"""Notifications: what a person of the team should look at, told on the page and to their browsers.

They are made by receivers of events, never in the way of a message. One conversation rings once until somebody looks:
further messages raise the number of the notification that is there.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chat.enums import Direction, NotificationKind, Status
from chat.models import AgentProfile, Conversation, Mention, Message, Notification, PushSubscription, Team
from chat.queries import wire
from chat.services import agents, journal, presence
from ops.kernel import live
from ops.kernel.tasks import enqueue
from tenants.accounts.models import User

KEPT_DAYS = 90


@transaction.atomic
def notify(
    *,
    users: Iterable[Any],
    kind: str,
    key: str,
    conversation: Conversation | None = None,
    author: Any = None,
    text: str = "",
    now: datetime,
) -> int:
    """Tell these people, as far as each wants to be told; returns how many were. The author is never told."""
    people = {user.pk: user for user in users if author is None or user.pk != author.pk}
    profiles = {row.user_id: row for row in AgentProfile.objects.filter(user__in=people)}
    told = 0
    for pk, user in sorted(people.items()):
        profile = profiles.get(pk)
        on_page, on_device = agents.wants(profile, kind, "in_app"), agents.wants(profile, kind, "push")
        if not (on_page or on_device):
            continue
        row, made = Notification.objects.select_for_update().get_or_create(
            user=user,
            key=key[:120],
            defaults={
                "kind": kind,
                "conversation": conversation,
                "author": author,
                "text": text[:200],
                # Whoever wants it on a device only, has nothing left to read on the page.
                "read_at": None if on_page else now,
            },
        )
        if not made:
            row.count = row.count + 1 if row.read_at is None else 1
            row.text, row.author, row.read_at = text[:200], author, None if on_page else now
            row.save(update_fields=["count", "text", "author", "read_at", "updated_at"])
        if on_page:
            _tell(user, row)
        if on_device and PushSubscription.objects.filter(user=user).exists():
            enqueue("chat.push_notification", notification_id=str(row.pk))
        told += 1
    return told


def read(*, user: Any, ids: Iterable[UUID] | None = None, now: datetime) -> int:
    """Mark a person's notifications, or all of them, as looked at; returns how many were not yet."""
    rows = Notification.objects.of(user).unread()
    if ids is not None:
        rows = rows.filter(pk__in=set(ids))
    with transaction.atomic():
        changed = rows.update(read_at=now)
        if changed:
            _tell(user, None)
    return changed


def read_of(*, user: Any, conversation_id: UUID, now: datetime) -> int:
    """Somebody looks at a conversation: what was told about it is looked at as well."""
    with transaction.atomic():
        changed = Notification.objects.of(user).unread().filter(conversation=conversation_id).update(read_at=now)
        if changed:
            _tell(user, None)
    return changed


def forget_old(*, before: datetime) -> int:
    """Remove what was looked at long ago; returns how many."""
    return Notification.objects.filter(read_at__lt=before).delete()[0]


# --- What sets them off ---------------------------------------------------------------------------------


def of_message(*, message_id: UUID, now: datetime) -> None:
    """A message came: its assignee is told of a visitor's, and whoever is called in it by name."""
    message = (
        Message.objects.select_related("conversation__contact", "conversation__assignee", "author_agent")
        .filter(pk=message_id, deleted_at=None)
        .first()
    )
    if message is None:
        return
    conversation = message.conversation
    called = [row.user for row in Mention.objects.filter(message=message).select_related("user")]
    if called:
        notify(
            users=[user for user in called if user.is_active],
            kind=NotificationKind.MENTION,
            key=f"mention:{message.pk}",
            conversation=conversation,
            author=message.author_agent,
            text=_short(message.body),
            now=now,
        )
    holder = conversation.assignee
    quiet = conversation.muted or conversation.spam_at is not None
    if message.direction == Direction.IN and holder is not None and holder.is_active and not quiet:
        if str(holder.pk) in {viewer["id"] for viewer in presence.viewers(conversation.pk)}:
            return
        notify(
            users=[holder],
            kind=NotificationKind.MESSAGE,
            key=f"message:{conversation.pk}",
            conversation=conversation,
            text=_short(message.body),
            now=now,
        )


def of_assignment(*, conversation_id: UUID, assignee_id: UUID, by_id: UUID | None, now: datetime) -> None:
    """A conversation was given to somebody who did not take it themselves."""
    conversation = Conversation.objects.select_related("contact", "assignee").filter(pk=conversation_id).first()
    holder = conversation.assignee if conversation is not None else None
    # By now somebody else may have it.
    if conversation is None or holder is None or holder.pk != assignee_id or holder.pk == by_id:
        return
    notify(
        users=[holder],
        kind=NotificationKind.ASSIGNED,
        key=f"assigned:{conversation.pk}",
        conversation=conversation,
        author=User.objects.filter(pk=by_id).first() if by_id else None,
        text=conversation.preview,
        now=now,
    )


def of_team(*, conversation_id: UUID, team_id: UUID, by_id: UUID | None, now: datetime) -> None:
    """A conversation nobody has was given to a team."""
    conversation = Conversation.objects.select_related("contact").filter(pk=conversation_id).first()
    team = Team.objects.with_members().filter(pk=team_id).first()
    if conversation is None or team is None or conversation.team_id != team_id or conversation.assignee_id:
        return
    notify(
        users=[user for user in team.members.all() if user.is_active],
        kind=NotificationKind.TEAM,
        key=f"team:{conversation.pk}",
        conversation=conversation,
        author=User.objects.filter(pk=by_id).first() if by_id else None,
        text=conversation.preview,
        now=now,
    )


def of_promise(*, conversation_id: UUID, now: datetime) -> None:
    """A promised time is nearly over, or over: told to whoever has the conversation, else to its team."""
    row = Conversation.objects.select_related("contact", "assignee", "team").filter(pk=conversation_id).first()
    if row is None or row.status != Status.OPEN or row.sla is None:
        return
    people = [row.assignee] if row.assignee is not None else list(row.team.members.all()) if row.team else []
    notify(
        users=[user for user in people if user.is_active],
        kind=NotificationKind.SLA,
        key=f"sla:{row.pk}",
        conversation=row,
        text=row.preview,
        now=now,
    )


def of_queue(*, conversation_id: UUID, now: datetime) -> None:
    """A conversation began and waits; told to those agents of its inbox who asked for it."""
    conversation = Conversation.objects.select_related("contact").filter(pk=conversation_id).first()
    if conversation is None or conversation.assignee_id or conversation.status != Status.OPEN:
        return
    asked = AgentProfile.objects.filter(notify__has_key=NotificationKind.QUEUE).select_related("user__role")
    of_inbox = Q(user__chat_inbox_members__inbox=conversation.inbox_id)
    has_members = conversation.inbox.inbox_members.exists()
    people = [row.user for row in (asked.filter(of_inbox) if has_members else asked) if row.user.is_active]
    notify(
        users=[user for user in people if user.has_perm("chat.view_conversation")],
        kind=NotificationKind.QUEUE,
        key=f"queue:{conversation.pk}",
        conversation=conversation,
        text=conversation.preview,
        now=now,
    )


def _short(body: str) -> str:
    return " ".join(body.split())[:200]


def _tell(user: Any, row: Notification | None) -> None:
    """Push to the person's own consoles; a cleared number needs no row."""
    shown = None
    if row is not None:
        shown = wire.notification(Notification.objects.with_people().get(pk=row.pk))
    unread = Notification.objects.of(user).unread().count()
    frame = {"type": "notification", "event": "notification.created", "data": shown, "unread": unread}
    live.push(live.group(f"user.{user.pk}"), journal.forward(frame))

"""Somebody leaves the team: their open conversations go to somebody else, and their browsers are told nothing more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from chat.enums import Status
from chat.models import Conversation, PushSubscription, Team
from chat.services import assignment
from ops.kernel.errors import Invalid
from ops.kernel.tasks import enqueue
from tenants.accounts.models import User

QUEUE, TEAM, PERSON = "queue", "team", "person"
# Agents a list of choices still helps with; beyond, the queue or a team.
MOST_PEOPLE = 100


def count(user: User) -> int:
    """Conversations of theirs that are not resolved."""
    return _open(user).count()


def choices(user: User) -> list[tuple[str, str]]:
    """Where they can go: the queue, a team, or another agent."""
    others = User.objects.seated().exclude(pk=user.pk).order_by("name", "email", "pk")[:MOST_PEOPLE]
    teams = Team.objects.order_by("name", "pk")
    return [
        (QUEUE, _("Back to the queue")),
        *((f"{TEAM}:{team.pk}", _("Team %(name)s") % {"name": team.name}) for team in teams),
        *((f"{PERSON}:{other.pk}", other.get_full_name()) for other in others),
    ]


def hand_over(user: User, choice: str, by: Any, now: datetime) -> None:
    """Ask for it after the commit: hundreds of conversations would keep a person waiting. Raises `Invalid`."""
    choice = choice or QUEUE
    if choice not in dict(choices(user)):
        raise Invalid(field="hand_over")
    PushSubscription.objects.filter(user=user).delete()
    enqueue("chat.hand_over", user_id=str(user.pk), choice=choice, by_id=str(by.pk) if isinstance(by, User) else None)


def run(*, user_id: UUID, choice: str, by_id: UUID | None, now: datetime) -> int:
    """Hand every open conversation of theirs over; a second run finds none left. Says how many."""
    kind, _sep, key = choice.partition(":")
    by = User.objects.select_related("role").filter(pk=by_id).first()
    to = User.objects.select_related("role").active().filter(pk=key).first() if kind == PERSON else None
    team = Team.objects.filter(pk=key).first() if kind == TEAM else None
    done = 0
    for row in _open(User(pk=user_id)).order_by("pk"):
        if to is not None and to.has_perm("chat.reply_conversation"):
            assignment.assign(conversation_id=row.pk, to=to, by=by, now=now)
        else:
            # Also when the one who was chosen has left meanwhile: nothing stays with somebody who is gone.
            if team is not None:
                assignment.assign_team(conversation_id=row.pk, team=team, by=by, now=now)
            assignment.unassign(conversation_id=row.pk, by=by, now=now)
        done += 1
    return done


def _open(user: User) -> QuerySet[Conversation]:
    return Conversation.objects.filter(assignee=user.pk).exclude(status=Status.RESOLVED)

"""The list of conversations as programs ask for it, and what there is to do."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from chat.enums import Status
from chat.models import Conversation


def page(*, user: Any) -> QuerySet[Conversation]:
    """Conversations this person may see, with the people of each row; never with messages."""
    return Conversation.objects.visible_to(user).with_people()


def of_assignee(rows: QuerySet[Conversation], value: str, *, user: Any) -> QuerySet[Conversation]:
    """Narrow to `me`, `none`, or the id of a person; an unknown word finds nothing."""
    if value == "me":
        return rows.filter(assignee=user)
    if value == "none":
        return rows.filter(assignee=None)
    try:
        return rows.filter(assignee=UUID(value))
    except ValueError:
        return rows.none()


def counts(*, user: Any) -> dict[str, int]:
    """How much there is to do, in one query."""
    open_ = Q(status=Status.OPEN)
    return (
        Conversation.objects.visible_to(user)
        .unresolved()
        .aggregate(
            open=Count("pk", filter=open_),
            mine=Count("pk", filter=open_ & Q(assignee=user)),
            queue=Count("pk", filter=open_ & Q(assignee=None)),
            pending=Count("pk", filter=Q(status=Status.PENDING)),
            snoozed=Count("pk", filter=Q(status=Status.SNOOZED)),
            unread=Count("pk", filter=Q(agent_unread__gt=0) & (Q(assignee=user) | Q(assignee=None))),
        )
    )

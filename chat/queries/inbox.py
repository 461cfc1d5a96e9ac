"""The list of conversations as programs ask for it, and what there is to do."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, Count, ExpressionWrapper, F, Func, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from chat.enums import Priority, Status
from chat.models import Conversation, Mention, Team

# Each way to sort is one column or one number, because a cursor stands at one value.
SORTS = {
    "recent": "-last_activity_at",
    "oldest": "last_activity_at",
    "newest": "-created_at",
    "waiting": "waiting_from",
    "priority": "-urgency",
}
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# More microseconds than any instant has, so that the level of priority weighs more than any waiting.
WEIGHT = 10**18


class Microseconds(Func):
    """An instant as a whole number. As a difference, which no time zone can change: so an index may hold it."""

    template = "(extract(epoch FROM %(expressions)s - '1970-01-01 00:00:00+00'::timestamptz) * 1000000)::bigint"
    output_field = BigIntegerField()


def page(*, user: Any) -> QuerySet[Conversation]:
    """Conversations this person may see, with the people of each row; never with messages."""
    return Conversation.objects.visible_to(user).with_people()


def of_assignee(rows: QuerySet[Conversation], value: str, *, user: Any) -> QuerySet[Conversation]:
    """Narrow to `me`, `none`, or the id of a person; an unknown word finds nothing."""
    if value == "me":
        return rows.filter(assignee=user)
    if value == "none":
        return rows.filter(assignee=None)
    key = _uuid(value)
    return rows.none() if key is None else rows.filter(assignee=key)


def of_team(rows: QuerySet[Conversation], value: str, *, user: Any) -> QuerySet[Conversation]:
    """Narrow to `mine` (any of the caller's teams), `none`, or the id of a team; an unknown word finds nothing."""
    if value == "mine":
        return rows.filter(team__in=Team.objects.of(user).values("pk"))
    if value == "none":
        return rows.filter(team=None)
    key = _uuid(value)
    return rows.none() if key is None else rows.filter(team=key)


def of_labels(rows: QuerySet[Conversation], values: list[str]) -> QuerySet[Conversation]:
    """Narrow to conversations that carry all of these labels, each by its id or its name."""
    carried = Conversation.labels.through._default_manager
    for value in values:
        key = _uuid(value)
        label = Q(label=key) if key is not None else Q(label__name__iexact=value)
        rows = rows.filter(pk__in=carried.filter(label).values("conversation"))
    return rows


def mentioning(rows: QuerySet[Conversation], user: Any) -> QuerySet[Conversation]:
    """Narrow to conversations in which somebody called this person."""
    return rows.filter(pk__in=Mention.objects.filter(user=user).values("conversation"))


def sorted_by(rows: QuerySet[Conversation], name: str) -> QuerySet[Conversation]:
    """Add the number that `SORTS` orders by, where it is none of the table's columns."""
    if name == "waiting":
        return rows.annotate(waiting_from=Coalesce("waiting_since", Value(NEVER)))
    if name == "priority":
        levels = [Priority.NONE, Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.URGENT]
        level = Case(
            *(When(priority=value, then=Value(rank)) for rank, value in enumerate(levels)),
            default=Value(0),
            output_field=BigIntegerField(),
        )
        waited = Microseconds(Coalesce("waiting_since", F("last_activity_at")))
        urgency = ExpressionWrapper(level * Value(WEIGHT) - waited, output_field=BigIntegerField())
        return rows.annotate(urgency=urgency)
    return rows


def counts(*, user: Any) -> dict[str, int]:
    """How much there is to do, in one query."""
    open_ = Q(status=Status.OPEN)
    own_teams = Q(team__in=Team.objects.of(user).values("pk"))
    return (
        Conversation.objects.visible_to(user)
        .unresolved()
        .aggregate(
            open=Count("pk", filter=open_),
            mine=Count("pk", filter=open_ & Q(assignee=user)),
            queue=Count("pk", filter=open_ & Q(assignee=None)),
            team=Count("pk", filter=open_ & own_teams),
            mentioned=Count("pk", filter=open_ & Q(pk__in=Mention.objects.filter(user=user).values("conversation"))),
            pending=Count("pk", filter=Q(status=Status.PENDING)),
            snoozed=Count("pk", filter=Q(status=Status.SNOOZED)),
            unread=Count("pk", filter=Q(agent_unread__gt=0) & (Q(assignee=user) | Q(assignee=None))),
        )
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""Mentions: calling a colleague by name in a note or a message."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from chat.models import Mention, TeamMember
from ops.kernel.errors import Invalid
from tenants.accounts.models import User

MOST = 50


def people_named(given: Iterable[UUID]) -> list[User]:
    """Who is called: these people, and everybody of these teams. Raises `Invalid` for an id that is neither."""
    keys = set(given)
    if not keys:
        return []
    if len(keys) > MOST:
        raise Invalid(field="mentions")
    people = {person.pk: person for person in User.objects.seated().filter(pk__in=keys)}
    members = TeamMember.objects.filter(team__in=keys - people.keys(), user__is_active=True).select_related("user")
    teams = set()
    for member in members:
        teams.add(member.team_id)
        people.setdefault(member.user_id, member.user)
    if keys - people.keys() - teams:
        raise Invalid(field="mentions")
    return sorted(people.values(), key=lambda person: person.pk)


def record(*, message_id: UUID, conversation_id: UUID, people: Iterable[User], by: Any) -> None:
    """Keep who is called in a message; once a person, and never oneself. In the transaction of the message."""
    Mention.objects.bulk_create(
        [
            Mention(message_id=message_id, conversation_id=conversation_id, user=person, author=by)
            for person in people
            if person.pk != by.pk
        ],
        ignore_conflicts=True,
    )

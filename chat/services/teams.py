"""Teams: groups of people that conversations can be given to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from chat.errors import NameTaken, NotAnAgent
from chat.models import Team, TeamMember
from chat.services import catalogue
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from tenants.accounts.models import User


@transaction.atomic
def create(
    *, name: str, by: Any, description: str = "", members: Iterable[UUID] = (), now: datetime | None = None
) -> Team:
    """Add a team with its people. Raises `NameTaken`, `NotAnAgent`, `Invalid`."""
    team = Team()
    _fill(team, name=name, description=description)
    _save(team)
    _set_members(team, members)
    audit.record("chat.team_created", by=by, on=team, now=now)
    catalogue.changed("teams")
    return team


@transaction.atomic
def change(
    *,
    team: Team,
    by: Any,
    members: Iterable[UUID] | None = None,
    now: datetime | None = None,
    **fields: str,
) -> Team:
    """Change a team's name, description or people. Raises `NameTaken`, `NotAnAgent`, `Invalid`."""
    _fill(team, **fields)
    _save(team)
    if members is not None:
        _set_members(team, members)
    named = sorted(fields) + (["members"] if members is not None else [])
    audit.record("chat.team_changed", by=by, on=team, detail={"fields": named}, now=now)
    catalogue.changed("teams")
    return team


@transaction.atomic
def delete(*, team: Team, by: Any, now: datetime | None = None) -> None:
    """Remove a team; its conversations keep their assignees and belong to no team."""
    audit.record("chat.team_deleted", by=by, on=team, now=now)
    team.delete()
    catalogue.changed("teams")


def agents_among(keys: Iterable[UUID], *, field: str = "members") -> list[User]:
    """The people of these ids, all of whom answer conversations. Raises `NotAnAgent`."""
    wanted = set(keys)
    found = list(User.objects.seated().filter(pk__in=wanted))
    if len(found) != len(wanted):
        raise NotAnAgent(field=field)
    return found


def _set_members(team: Team, keys: Iterable[UUID]) -> None:
    """Whoever is deactivated cannot be chosen, and keeps the place for the day they come back."""
    wanted = {person.pk for person in agents_among(keys)}
    TeamMember.objects.filter(team=team, user__is_active=True).exclude(user__in=wanted).delete()
    known = set(TeamMember.objects.filter(team=team).values_list("user_id", flat=True))
    TeamMember.objects.bulk_create(TeamMember(team=team, user_id=key) for key in sorted(wanted - known))


def _fill(team: Team, **fields: str) -> None:
    if "name" in fields:
        fields["name"] = " ".join(fields["name"].split())
        if not fields["name"] or len(fields["name"]) > 80:
            raise Invalid(field="name")
    for name, value in fields.items():
        setattr(team, name, value)


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise NameTaken(field="name") from error

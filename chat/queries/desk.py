"""What the desk's lists show: teams, labels, canned replies, views, drafts and agents."""

from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When

from chat.models import AgentProfile, CannedResponse, Draft, Inbox, Label, SavedView, Team
from chat.queries import wire
from tenants.accounts.models import User


def team(row: Team) -> dict[str, Any]:
    """A team with its people. Needs `with_members()`."""
    members = sorted(row.members.all(), key=lambda user: (user.name.casefold(), user.pk))
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "members": [wire.person(user) for user in members],
    }


def label(row: Label) -> dict[str, Any]:
    """A label."""
    return {"id": str(row.pk), "name": row.name, "color": row.color, "description": row.description}


def canned(row: CannedResponse, text: str = "") -> dict[str, Any]:
    """A ready answer; `text` is what it says in the conversation at hand."""
    return {
        "id": str(row.pk),
        "shortcut": row.shortcut,
        "body": row.body,
        "text": text or row.body,
        "scope": row.scope,
        "team": None if row.team_id is None else str(row.team_id),
    }


def canned_for(*, user: Any, text: str) -> QuerySet[CannedResponse]:
    """Ready answers this person may use, those whose shortcut begins with the text first."""
    rows = CannedResponse.objects.for_person(user).search(text)
    short = text.strip().removeprefix("/")
    begins = Case(When(shortcut__istartswith=short, then=Value(0)), default=Value(1)) if short else Value(0)
    return rows.annotate(rank=begins).order_by("rank", "shortcut", "pk")


def view(row: SavedView) -> dict[str, Any]:
    """A saved view."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "filters": row.filters,
        "sort": row.sort,
        "position": row.position,
        "scope": row.scope,
        "team": None if row.team_id is None else str(row.team_id),
    }


def draft(row: Draft) -> dict[str, Any]:
    """A draft. Needs its conversation."""
    return {
        "number": row.conversation.number,
        "conversation": str(row.conversation_id),
        "private": row.private,
        "body": row.body,
        "reply_to": None if row.reply_to_id is None else str(row.reply_to_id),
        "updated_at": wire.instant(row.updated_at),
    }


def agents(*, states: dict[str, str], keys: list[UUID] | None = None) -> list[dict[str, Any]]:
    """Everybody a conversation can be given to, with how they work and what they have."""
    people = User.objects.seated()
    if keys is not None:
        people = people.filter(pk__in=keys)
    rows = list(people.order_by("name", "pk"))
    profiles = {row.user_id: row for row in AgentProfile.objects.filter(user__in=rows)}
    teams = _names(Team.objects.filter(members__in=rows).values_list("members", "pk", "name"))
    inboxes = _names(
        Inbox.objects.filter(inbox_members__user__in=rows).values_list("inbox_members__user", "pk", "name")
    )
    return [
        agent(
            user,
            profiles.get(user.pk) or AgentProfile(user=user, display_name="", signature=""),
            state=states.get(str(user.pk), "offline"),
            teams=teams.get(user.pk, []),
            inboxes=inboxes.get(user.pk, []),
        )
        for user in rows
    ]


def agent(
    user: Any, profile: AgentProfile, *, state: str, teams: list[dict[str, str]], inboxes: list[dict[str, str]]
) -> dict[str, Any]:
    """Somebody who answers conversations, for the team."""
    return {
        **(wire.person(user) or {}),
        "state": state,
        "availability": profile.availability,
        "auto_offline": profile.auto_offline,
        "display_name": profile.display_name,
        "capacity": profile.capacity,
        "open_count": profile.open_count,
        "last_assigned_at": wire.instant(profile.last_assigned_at),
        "teams": teams,
        "inboxes": inboxes,
    }


def _names(rows: Any) -> dict[UUID, list[dict[str, str]]]:
    found: dict[UUID, list[dict[str, str]]] = {}
    for user, key, name in sorted(rows, key=lambda row: row[2].casefold()):
        found.setdefault(user, []).append({"id": str(key), "name": name})
    return found

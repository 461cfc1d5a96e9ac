"""Canned replies: ready answers, everybody's, a team's or one's own."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from chat.enums import Scope
from chat.errors import NameTaken
from chat.models import AgentProfile, CannedResponse, Conversation, Team
from chat.services import catalogue
from chat.services.messages import BODY_LIMIT
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, NotFound, PermissionRefused

SHORTCUT = re.compile(r"[^\s/][^\s]{0,39}\Z")
PLACE = re.compile(r"(?P<before>,?[ \t]*)(?P<place>\{\{\s*(?P<name>[a-z_]+\.[a-z_]+)\s*\}\})")
# What a text may name, and what stands for it.
PLACES: dict[str, Callable[[Conversation, Any], str]] = {
    "contact.name": lambda conversation, by: conversation.contact.name,
    "contact.first_name": lambda conversation, by: conversation.contact.name.split(" ")[0],
    "contact.email": lambda conversation, by: conversation.contact.email,
    "contact.phone": lambda conversation, by: conversation.contact.phone,
    "contact.company": lambda conversation, by: conversation.contact.company,
    "agent.name": lambda conversation, by: by.get_full_name(),
    "agent.first_name": lambda conversation, by: by.get_short_name(),
    "agent.signature": lambda conversation, by: _signature(by),
    "conversation.number": lambda conversation, by: str(conversation.number),
    "inbox.name": lambda conversation, by: conversation.inbox.name,
}


@transaction.atomic
def create(
    *,
    shortcut: str,
    body: str,
    by: Any,
    scope: str = Scope.EVERYBODY,
    team: UUID | None = None,
    now: datetime | None = None,
) -> CannedResponse:
    """Add a ready answer. Raises `NameTaken`, `Invalid`, `PermissionRefused` for others' without the permission."""
    canned = CannedResponse()
    belong(canned, scope=scope, team=team, by=by, permission="chat.manage_canned")
    _fill(canned, shortcut=shortcut, body=body)
    _save(canned)
    if canned.scope != Scope.PERSON:
        audit.record("chat.canned_created", by=by, on=canned, now=now)
    catalogue.changed("canned")
    return canned


@transaction.atomic
def change(
    *,
    canned: CannedResponse,
    by: Any,
    scope: str | None = None,
    team: UUID | None = None,
    now: datetime | None = None,
    **fields: str,
) -> CannedResponse:
    """Change a ready answer, or whose it is. Raises `NameTaken`, `Invalid`, `PermissionRefused`."""
    refuse_others(canned, by=by, permission="chat.manage_canned")
    if scope is not None:
        belong(canned, scope=scope, team=team, by=by, permission="chat.manage_canned")
    _fill(canned, **fields)
    _save(canned)
    if canned.scope != Scope.PERSON:
        audit.record("chat.canned_changed", by=by, on=canned, detail={"fields": sorted(fields)}, now=now)
    catalogue.changed("canned")
    return canned


@transaction.atomic
def delete(*, canned: CannedResponse, by: Any, now: datetime | None = None) -> None:
    """Remove a ready answer. Raises `PermissionRefused`."""
    refuse_others(canned, by=by, permission="chat.manage_canned")
    if canned.scope != Scope.PERSON:
        audit.record("chat.canned_deleted", by=by, on=canned, now=now)
    canned.delete()
    catalogue.changed("canned")


def filled(canned: CannedResponse, *, conversation: Conversation, by: Any) -> str:
    """The text for this conversation; a place nobody can fill goes with the comma before it, an unknown one stays.

    The conversation needs its contact and inbox.
    """

    def value(match: re.Match[str]) -> str:
        fill = PLACES.get(match["name"])
        if fill is None:
            return match[0]
        said = fill(conversation, by)
        return match["before"] + said if said else ""

    return PLACE.sub(value, canned.body)


def _signature(by: Any) -> str:
    return AgentProfile.objects.filter(user=by).values_list("signature", flat=True).first() or ""


def belong(row: Any, *, scope: str, team: UUID | None, by: Any, permission: str) -> None:
    """Make a shared row everybody's, a team's or the caller's. Raises `PermissionRefused`, `Invalid`."""
    if scope not in Scope.values:
        raise Invalid(field="scope")
    if scope != Scope.PERSON and not by.has_perm(permission):
        raise PermissionRefused(field="scope")
    row.scope = scope
    row.owner = by if scope == Scope.PERSON else None
    row.team = None
    if scope == Scope.TEAM:
        row.team = Team.objects.filter(pk=team).first() if team else None
        if row.team is None:
            raise Invalid(field="team")


def refuse_others(row: Any, *, by: Any, permission: str) -> None:
    """One's own may be changed, and others' with the permission; somebody else's own is not even there."""
    if row.scope == Scope.PERSON and row.owner_id != by.pk:
        raise NotFound()
    if row.scope != Scope.PERSON and not by.has_perm(permission):
        raise PermissionRefused()


def _fill(canned: CannedResponse, **fields: str) -> None:
    if "shortcut" in fields:
        fields["shortcut"] = fields["shortcut"].strip().removeprefix("/")
        if not SHORTCUT.match(fields["shortcut"]):
            raise Invalid(_("A shortcut is one word of up to 40 characters."), field="shortcut")
    if "body" in fields:
        fields["body"] = fields["body"].replace("\r\n", "\n").strip()
        if not fields["body"] or len(fields["body"]) > BODY_LIMIT:
            raise Invalid(field="body")
    for name, value in fields.items():
        setattr(canned, name, value)


def _save(canned: CannedResponse) -> None:
    try:
        with transaction.atomic():
            canned.save()
    except IntegrityError as error:
        raise NameTaken(field="shortcut") from error

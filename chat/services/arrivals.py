"""Visitors who come back, many at a time: after a restart everybody does.

What is asked for all of a tenant is asked once, what is asked for each of them in one question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat.queries import stream
from chat.services import contacts, presence, widget
from chat.services.conversations import Visitor
from ops.kernel.errors import DomainError, PermissionRefused
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Arrival:
    """A visitor's socket that wants in."""

    token: str
    session: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """What it is told: who it is, which history this is, and whether anybody of the team is there."""

    visitor: Visitor
    epoch: str
    online: bool


def let_in(arrivals: Sequence[Arrival], *, tenant: Any, now: datetime) -> list[Welcome | DomainError]:
    """A welcome for each, or why there is none: `PermissionRefused`, `VisitorTokenRefused`, `ContactBlocked`."""
    if not counter_is_open(tenant):
        return [PermissionRefused() for _ in arrivals]
    visitors = widget.visitors_behind([one.token for one in arrivals])
    here = [
        (who.contact_id, one.session) for who, one in zip(visitors, arrivals, strict=True) if isinstance(who, Visitor)
    ]
    presence.visitors_came(here)
    contacts.saw({contact for contact, _ in here}, now=now)
    epoch, online = stream.epoch(), presence.anybody_there()
    return [Welcome(who, epoch, online) if isinstance(who, Visitor) else who for who in visitors]


def counter_is_open(tenant: Any) -> bool:
    """A suspended customer's counter is closed. The handshake's tenant may be old, so the row is asked."""
    return Tenant.objects.active().filter(pk=tenant.pk).exists()

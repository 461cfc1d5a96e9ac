"""Where a person is logged in, as they would say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _
from ua_parser import parse

from tenants.accounts.enums import Factor, LoginMethod
from tenants.accounts.models import ApiSession, Login, User


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the list."""

    id: UUID
    title: str
    kind: str  # an icon: monitor, smartphone, tablet or terminal
    place: str
    address: str
    way: str
    last_seen_at: datetime | None
    begun_at: datetime
    is_here: bool
    is_trusted: bool


def browsers(user: User, *, here: str | None) -> list[Device]:
    """Open logins of browsers, this one first, then by last use. Sessions that ran out are not open."""
    now = timezone.now()
    rows = list(Login.objects.open().filter(user=user).order_by("-last_seen_at", "-pk")[:100])
    living = set(
        Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=now).values_list(
            "session_key", flat=True
        )
    )
    found = [_browser(row, here=here, now=now) for row in rows if row.session_key in living]
    return sorted(found, key=lambda one: not one.is_here)


def programs(user: User, *, now: datetime) -> list[Device]:
    """Open logins through the API, latest use first."""
    rows: Iterable[ApiSession] = ApiSession.objects.open(now).filter(user=user).order_by("-updated_at", "-pk")[:100]
    return [
        Device(
            id=row.pk,
            title=name_of(row.user_agent) or _("A program"),
            kind="terminal",
            place=place_of(row.address),
            address=row.address or "",
            way=_("API"),
            last_seen_at=row.last_used_at,
            begun_at=row.created_at,
            is_here=False,
            is_trusted=False,
        )
        for row in rows
    ]


def _browser(row: Login, *, here: str | None, now: datetime) -> Device:
    way = str(LoginMethod(row.method).label)
    if row.factor:
        way = _("%(first)s and %(second)s") % {"first": way, "second": str(Factor(row.factor).label).lower()}
    return Device(
        id=row.pk,
        title=name_of(row.user_agent) or _("A browser"),
        kind=_kind(row.user_agent),
        place=place_of(row.address),
        address=row.address or "",
        way=way,
        last_seen_at=row.last_seen_at,
        begun_at=row.created_at,
        is_here=str(row.pk) == here,
        is_trusted=row.trusted_until is not None and row.trusted_until > now,
    )


def name_of(user_agent: str) -> str:
    """Browser and system, as in "Firefox on Windows"; what a program calls itself otherwise."""
    if not user_agent:
        return ""
    told = parse(user_agent)
    browser = told.user_agent.family if told.user_agent else ""
    system = told.os.family if told.os else ""
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or user_agent.split(" ", 1)[0][:60]


def _kind(user_agent: str) -> str:
    if "iPad" in user_agent or ("Android" in user_agent and "Mobile" not in user_agent):
        return "tablet"
    return "smartphone" if "Mobi" in user_agent or "iPhone" in user_agent else "monitor"


def place_of(address: str | None) -> str:
    """What an address tells without asking anybody: this machine, an own network, or the internet. Never a town."""
    if not address:
        return _("Unknown place")
    known: Any = ip_address(address)
    if known.is_loopback:
        return _("This computer")
    if known.is_private:
        return _("A private network")
    return _("The internet")

"""The rules of logging in that a tenant decides: which roles need a second factor, and how long a browser is trusted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit import services as audit
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.errors import Invalid
from tenants.accounts.errors import SecondFactorFirst
from tenants.accounts.models import Role, User
from tenants.accounts.queries import roles
from tenants.accounts.services import emails

SETTING = "accounts.login_rules"
TRUST_CHOICES = (0, 7, 30, 90)
GRACE_CHOICES = (0, 3, 7, 14, 30)

DEFINITION = Definition(
    SETTING,
    _("Rules of logging in"),
    fields=(Field("trust_days", _("Days a device is trusted"), type=int, default=30, choices=TRUST_CHOICES),),
    inherit=False,
)


def trust_days() -> int:
    """How many days a browser that showed the second factor need not show it again; 0 is never."""
    days: int = configuration.get(SETTING)["trust_days"]
    return days


@transaction.atomic
def set_trust_days(*, days: int, by: Any, now: datetime) -> None:
    """Change it for logins from now on. Raises `Invalid`."""
    if days != trust_days():
        configuration.set(SETTING, {"trust_days": days}, by=by, now=now)


@transaction.atomic
def require_second_factor(*, roles: Collection[str], grace_days: int, by: Any, now: datetime, host: str = "") -> None:
    """People of exactly these roles need a second factor, from the end of the grace on.

    A role that needed one already keeps its day. Who newly needs one and has none gets a letter.
    """
    if grace_days not in GRACE_CHOICES:
        raise Invalid(field="grace_days")
    rows = list(Role.objects.select_for_update(of=("self",)).order_by("pk"))
    unknown = set(roles) - {role.slug for role in rows}
    if unknown:
        raise Invalid(field="roles")
    changed = False
    for role in rows:
        wanted = role.slug in roles
        if wanted == (role.second_factor_from is not None):
            continue
        changed = True
        role.second_factor_from = now + timedelta(days=grace_days) if wanted else None
        role.save(update_fields=["second_factor_from", "updated_at"])
        if wanted:
            for person in User.objects.active().filter(role=role, second_factor_at=None).order_by("pk"):
                if not person.is_invited:
                    emails.send("second_factor_needed", user=person, host=host)
    if changed:
        audit.record(
            "accounts.login_rules_changed",
            by=by,
            detail={"second_factor_roles": sorted(roles), "grace_days": grace_days},
            now=now,
        )


@transaction.atomic
def change(*, roles: Collection[str], grace_days: int, trust_days: int, by: Any, now: datetime, host: str = "") -> None:
    """The whole page at once. Raises `Invalid`, and `SecondFactorFirst` for somebody who would shut themselves out."""
    if isinstance(by, User) and by.second_factor_at is None and by.role and by.role.slug in roles and not grace_days:
        raise SecondFactorFirst
    require_second_factor(roles=roles, grace_days=grace_days, by=by, now=now, host=host)
    set_trust_days(days=trust_days, by=by, now=now)


@dataclass(frozen=True, slots=True)
class RoleState:
    """How far the people of one role have come."""

    role: Role
    people: int
    with_factor: int
    required_from: datetime | None
    is_due: bool


def state(*, now: datetime) -> list[RoleState]:
    """Roles with active people, and how many of them have a second factor."""
    active = Q(users__is_active=True, users__support_person_id=None)
    rows = roles.in_order().annotate(
        people=Count("users", filter=active),
        with_factor=Count("users", filter=active & Q(users__second_factor_at__isnull=False)),
    )
    return [
        RoleState(
            row,
            row.people,
            row.with_factor,
            row.second_factor_from,
            row.second_factor_from is not None and row.second_factor_from <= now,
        )
        for row in rows.filter(people__gt=0)
    ]


def second_factor_roles() -> set[str]:
    """Short names of the roles that need one."""
    return set(Role.objects.exclude(second_factor_from=None).values_list("slug", flat=True))

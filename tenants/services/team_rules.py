"""The rules of logging in that a reseller sets for its team, and the platform for its people.

They live beside the rules a tenant has for its roles (`tenants.accounts.services.rules`). Everybody of every console is
a person of the public schema, so a rule is put on the persons themselves (`User.factor_required_from`): pages, API
logins, tokens and sockets ask the person and nothing else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit import services as audit
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.services import reading
from ops.kernel.errors import Invalid
from ops.kernel.registry import Text
from tenants.accounts.errors import SecondFactorFirst
from tenants.accounts.models import User
from tenants.accounts.services import emails, rules
from tenants.enums import PLATFORM_TEAM, ResellerRole
from tenants.models import Reseller, ResellerMember, TeamRule
from tenants.services import naming, support


def roles_of(reseller: Reseller | None) -> list[tuple[str, Text]]:
    """The roles a rule can be set for: those of a reseller's team, or the one of the platform's own people."""
    if reseller is None:
        return [(PLATFORM_TEAM, _("Everybody who works for the platform"))]
    return [(role.value, role.label) for role in ResellerRole]


def required_roles(reseller: Reseller | None) -> set[str]:
    """The roles that need a second factor, or will."""
    return set(TeamRule.objects.filter(reseller=reseller).values_list("role", flat=True))


def trust_days(reseller: Reseller | None) -> int:
    """How many days a browser of this team that showed the second factor need not show it again; 0 is never."""
    if reseller is None:
        return rules.trust_days()
    days: int = reading.effective_for(rules.SETTING, str(reseller.pk))["trust_days"]
    return days


def trust_days_of(person: User) -> int:
    """The same for somebody who is logging in to a console."""
    member = ResellerMember.objects.select_related("reseller").filter(user=person).first()
    return trust_days(member.reseller if member is not None and not person.is_superuser else None)


@transaction.atomic
def change(
    *,
    reseller: Reseller | None,
    roles: Collection[str],
    grace_days: int,
    trust_days: int,
    by: Any,
    now: datetime,
    host: str = "",
) -> None:
    """People of exactly these roles need a second factor, from the end of the grace on.

    A role that needed one already keeps its day. Who newly needs one and has none gets a letter. Raises `Invalid`, and
    `SecondFactorFirst` for somebody who would shut themselves out.
    """
    known = [role for role, _label in roles_of(reseller)]
    if grace_days not in rules.GRACE_CHOICES:
        raise Invalid(field="grace_days")
    if set(roles) - set(known):
        raise Invalid(field="roles")
    naming.lock(f"login rules {reseller.pk if reseller else ''}")
    standing = required_roles(reseller)
    added, removed = [one for one in known if one in roles and one not in standing], standing - set(roles)
    if not grace_days and any(_people(reseller, role).filter(pk=by.pk, second_factor_at=None) for role in added):
        raise SecondFactorFirst
    TeamRule.objects.filter(reseller=reseller, role__in=removed).delete()
    begins = now + timedelta(days=grace_days)
    TeamRule.objects.bulk_create(TeamRule(reseller=reseller, role=role, second_factor_from=begins) for role in added)
    for role in [*added, *sorted(removed)]:
        for person in _people(reseller, role):
            settle(person=person, now=now)
            if role in added and person.is_active and person.second_factor_at is None and not person.is_invited:
                emails.send("second_factor_needed", user=person, host=host)
    if added or removed:
        audit.record(
            "tenants.team_rules_changed",
            by=by,
            on=reseller,
            detail={"second_factor_roles": [role for role in known if role in roles], "grace_days": grace_days},
            now=now,
        )
    _set_trust_days(reseller, trust_days, by=by, now=now)


def settle(*, person: User, now: datetime) -> None:
    """Put on a person what the rules of their console ask for: whoever joins, gets another role, or when a rule changes.

    Who must have a second factor at once and has none leaves the customers they are visiting.
    """
    member = ResellerMember.objects.filter(user=person).first()
    asked = Q(reseller=None) if person.is_superuser else Q(pk=None)
    if member is not None:
        asked |= Q(reseller=member.reseller_id, role=member.role)
    day = TeamRule.objects.filter(asked).aggregate(day=Min("second_factor_from"))["day"]
    if day != person.factor_required_from:
        person.factor_required_from = day
        person.save(update_fields=["factor_required_from", "updated_at"])
    if person.lacks_second_factor(now):
        support.end_of_person(person_id=person.pk, by="login rules", now=now)


@dataclass(frozen=True, slots=True)
class RoleState:
    """How far the people of one role have come."""

    role: str
    label: Text
    people: int
    with_factor: int
    required_from: datetime | None
    is_due: bool


def state(*, reseller: Reseller | None, now: datetime) -> list[RoleState]:
    """Roles with active people, and how many of them have a second factor."""
    begins = dict(TeamRule.objects.filter(reseller=reseller).values_list("role", "second_factor_from"))
    having = Count("pk", filter=Q(second_factor_at__isnull=False))
    counted: dict[str, tuple[int, int]]
    if reseller is None:
        total = _people(None, PLATFORM_TEAM).filter(is_active=True).aggregate(all=Count("pk"), done=having)
        counted = {PLATFORM_TEAM: (total["all"], total["done"])}
    else:
        team = User.objects.filter(is_active=True, reseller_member__reseller=reseller).order_by()
        found = team.values_list("reseller_member__role").annotate(all=Count("pk"), done=having)
        counted = {role: (everybody, done) for role, everybody, done in found}
    return [
        RoleState(role, label, *counted[role], begins.get(role), role in begins and begins[role] <= now)
        for role, label in roles_of(reseller)
        if counted.get(role, (0, 0))[0]
    ]


def _people(reseller: Reseller | None, role: str) -> QuerySet[User]:
    rows = User.objects.select_related("role").order_by("pk")
    if reseller is None:
        return rows.filter(is_superuser=True)
    return rows.filter(reseller_member__reseller=reseller, reseller_member__role=role)


def _set_trust_days(reseller: Reseller | None, days: int, *, by: Any, now: datetime) -> None:
    if days == trust_days(reseller):
        return
    configuration.set(rules.SETTING, {"trust_days": days}, by=by, now=now, scope=str(reseller.pk) if reseller else "")

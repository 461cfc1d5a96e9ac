"""Resellers: opening one with its console, and the people who work there.

A reseller's people live in the public schema. Their rights in the console come from the membership alone; the role
they carry as a person opens nothing.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django_tenants.utils import schema_context

from ops.kernel.audit import services as audit
from tenants import errors
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.accounts.services import factors, logins, users
from tenants.enums import PUBLIC_SCHEMA, ConsoleRight, ResellerRole
from tenants.models import Reseller, ResellerMember
from tenants.queries import hosts
from tenants.services import domains, naming, support, team_rules


def create(
    *,
    name: str,
    now: datetime,
    slug: str = "",
    support_email: str = "",
    owner_email: str = "",
    owner_name: str = "",
    owner_password: str | None = None,
    host: str = "",
    by: Any = None,
) -> Reseller:
    """Open a reseller: its row, the host of its console, and its first person, who gets a welcome link by e-mail.

    Raises `SlugTaken`, `SlugReserved`, `SlugMalformed`, `HostTaken`, `EmailTaken`.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        slug = naming.checked_slug(slug) if slug else naming.free_slug(name)
        naming.lock(slug)
        naming.require_free(slug)
        reseller = Reseller.objects.create(name=name.strip(), slug=slug, support_email=support_email.strip().lower())
        domains.open_console(reseller=reseller)
        if host:
            domains.open_console(reseller=reseller, host=host)
        audit.record("tenants.reseller_created", by=by, on=reseller, detail={"address": slug}, now=now)
        if owner_email:
            add_member(
                reseller=reseller,
                email=owner_email,
                name=owner_name,
                password=owner_password,
                role=ResellerRole.OWNER,
                by=by,
                now=now,
            )
    return reseller


@transaction.atomic
def add_member(
    *,
    reseller: Reseller,
    email: str,
    now: datetime,
    name: str = "",
    role: str = ResellerRole.SUPPORT,
    password: str | None = None,
    by: Any = None,
) -> ResellerMember:
    """Let somebody work in the console; without a password they get a welcome link by e-mail. Raises `EmailTaken`.

    Who was taken out of a team, this one or another, comes again as somebody new: another reseller's log, logins and
    second factors are not theirs any more.
    """
    left = User.objects.filter(email=users.checked_address(email), is_active=False, is_staff=False, is_superuser=False)
    for gone in left.select_for_update():
        users.give_up_address(user=gone)
    person = users.create(
        email=email,
        role=BuiltInRole.VIEWER,
        name=name,
        password=password,
        by=by if isinstance(by, User) else None,
        host=domains.host_of_reseller(reseller) + settings.SITE_PORT_SUFFIX,
        now=now,
    )
    person.is_staff = True
    person.save(update_fields=["is_staff", "updated_at"])
    member = ResellerMember.objects.create(reseller=reseller, user=person, role=role)
    team_rules.settle(person=person, now=now)
    # About the reseller, because its log outlives the row of somebody who is taken out again.
    audit.record("tenants.member_added", by=by, on=reseller, detail={"email": person.email, "role": str(role)}, now=now)
    return member


@transaction.atomic
def set_member_role(*, member: ResellerMember, role: str, by: Any, now: datetime) -> None:
    """Give somebody another role. Raises `LastMember` when nobody could manage the team afterwards."""
    rows = _locked_team(member)
    if role != ResellerRole.OWNER:
        _keep_an_owner(rows, member)
    before = member.role
    member.role = role
    member.save(update_fields=["role", "updated_at"])
    detail = {"email": member.user.email, "from": before, "to": str(role)}
    audit.record("tenants.member_role_changed", by=by, on=member.reseller, detail=detail, now=now)
    team_rules.settle(person=member.user, now=now)
    if not member.may(ConsoleRight.ENTER_CUSTOMERS):
        support.end_of_person(person_id=member.user_id, by=by, now=now)


@transaction.atomic
def reset_second_factor(*, member: ResellerMember, by: Any, now: datetime) -> None:
    """Take the lost second factor of a colleague away; they are logged out and told. Raises `FactorNotFound`."""
    factors.reset(user=member.user, by=by, now=now)


@transaction.atomic
def remove_member(*, member: ResellerMember, by: Any, now: datetime) -> None:
    """End somebody's work here: the person and every login of theirs stop at once. Raises `LastMember`."""
    _keep_an_owner(_locked_team(member), member)
    person = member.user
    audit.record("tenants.member_removed", by=by, on=member.reseller, detail={"email": person.email}, now=now)
    member.delete()
    person.is_active = person.is_staff = False
    person.save(update_fields=["is_active", "is_staff", "updated_at"])
    logins.end_all(user=person, now=now)
    support.end_of_person(person_id=person.pk, by=by, now=now)


@transaction.atomic
def switch(*, reseller: Reseller, is_active: bool, by: Any, now: datetime) -> None:
    """Close a reseller's console, or open it again. Its customers go on working either way."""
    changed = Reseller.objects.filter(pk=reseller.pk, is_active=not is_active).update(
        is_active=is_active, updated_at=now
    )
    if not changed:
        return
    reseller.is_active = is_active
    action = "tenants.reseller_opened" if is_active else "tenants.reseller_closed"
    audit.record(action, by=by, on=reseller, now=now)
    if not is_active:
        support.end_of_reseller(reseller=reseller, by=by, now=now)
    hosts.forget()


def _locked_team(member: ResellerMember) -> list[ResellerMember]:
    team = ResellerMember.objects.filter(reseller=member.reseller_id).order_by("pk")
    return list(team.select_for_update(of=("self",)))


def _keep_an_owner(team: list[ResellerMember], leaving: ResellerMember) -> None:
    if not any(one.role == ResellerRole.OWNER for one in team if one.pk != leaving.pk):
        raise errors.LastMember()

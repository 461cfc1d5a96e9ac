"""From what an identity provider says to a person of this schema: found, linked, added, given a role, or refused.

A provider is believed only about addresses in the proved domains it was given. Owners are made by owners: no group makes
one, and no group unmakes one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from ops.kernel.actors import Actor
from ops.kernel.audit import services as audit
from ops.kernel.errors import LimitReached
from tenants.accounts.enums import BuiltInRole, IdentityProviderKind
from tenants.accounts.errors import SignInRefused
from tenants.accounts.models import ExternalIdentity, IdentityProvider, Role, User
from tenants.accounts.providers.base import Claims
from tenants.accounts.services import email_domains, invitations, users


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a login ends: who it is (nobody yet when they will be added), how they are known, and their role from now on."""

    user: User | None
    identity: ExternalIdentity | None
    role: Role | None

    @property
    def is_new(self) -> bool:
        """Whether this login adds a person."""
        return self.user is None

    @property
    def changes_role(self) -> bool:
        """Whether this login gives somebody we know another role."""
        return self.user is not None and self.role is not None and self.user.role_id != self.role.pk


def foresee(*, provider: IdentityProvider, claims: Claims, now: datetime) -> Arrival:
    """How a login with these claims would end, without doing anything. Raises `SignInRefused`."""
    _believe(provider, claims)
    identity = (
        ExternalIdentity.objects.select_related("user__role").filter(provider=provider, subject=claims.subject).first()
    )
    user = identity.user if identity else User.objects.select_related("role").filter(email=claims.email).first()
    if user is None:
        invitation = invitations.waiting_for(email=claims.email, now=now)
        if invitation is not None:
            return Arrival(None, None, invitation.role)
        if not provider.creates_people:
            raise _refused("unknown_person", provider, claims)
        role = _role_of(provider, claims)
        if role is None:
            raise _refused("no_role", provider, claims)
        return Arrival(None, None, role)
    if not user.is_active:
        raise _refused("deactivated", provider, claims)
    if identity is None and ExternalIdentity.objects.filter(provider=provider, user=user).exists():
        # The address was given to somebody else over there; who had it here must not be taken over by them.
        raise _refused("other_person", provider, claims)
    if not provider.group_roles or _is_owner(user):
        return Arrival(user, identity, user.role)
    role = _role_of(provider, claims)
    if role is None:
        raise _refused("no_role", provider, claims)
    return Arrival(user, identity, role)


@transaction.atomic
def settle(*, provider: IdentityProvider, claims: Claims, now: datetime) -> User:
    """Let somebody in: link or add them, and give them the role their groups say. Raises `SignInRefused`."""
    arrival = foresee(provider=provider, claims=claims, now=now)
    # Whoever was invited takes that: its role, and its seat.
    user = arrival.user or _add(provider, claims, arrival, now)
    if arrival.identity is None:
        ExternalIdentity.objects.create(provider=provider, subject=claims.subject, user=user, last_login_at=now)
        audit.record(
            "accounts.identity_linked",
            by=user,
            on=user,
            detail={"provider": provider.name, "email": claims.email},
            now=now,
        )
    else:
        ExternalIdentity.objects.filter(pk=arrival.identity.pk).update(last_login_at=now, updated_at=now)
    if arrival.changes_role and arrival.role is not None:
        try:
            with transaction.atomic():
                users.set_role(user=user, role=arrival.role.slug, by=actor(provider), now=now)
        except LimitReached:
            # Somebody who works here already is not locked out because the plan is full; the role waits.
            detail = {"provider": provider.name, "role": arrival.role.slug}
            audit.record("accounts.sso_role_waits", by=actor(provider), on=user, detail=detail, now=now)
        user.refresh_from_db()
    if not user.name and claims.name:
        users.rename(user=user, name=claims.name)
    return user


def actor(provider: IdentityProvider) -> Actor:
    """How ledgers name what a provider decides."""
    return Actor(id=str(provider.pk), label=provider.name, kind="sso")


def _add(provider: IdentityProvider, claims: Claims, arrival: Arrival, now: datetime) -> User:
    role: Any = arrival.role
    try:
        with transaction.atomic():
            invited = invitations.accept_for(email=claims.email, name=claims.name, now=now)
            return invited or users.add_from_provider(
                email=claims.email, name=claims.name, role=role.slug, by=actor(provider), now=now
            )
    except LimitReached as error:
        raise _refused("no_seat", provider, claims) from error


def _believe(provider: IdentityProvider, claims: Claims) -> None:
    """Only addresses in the proved domains of this provider count. Raises `SignInRefused`."""
    domain = email_domains.of(claims.email)
    if not domain:
        raise _refused("no_email", provider, claims)
    proved = provider.domains.filter(name=domain, verified_at__isnull=False).exists()
    # An address at Google may be anybody's; the hosted domain is what the company's own administrators gave out.
    if not proved or (provider.kind == IdentityProviderKind.GOOGLE and claims.hosted_domain != domain):
        raise _refused("domain", provider, claims)


def _role_of(provider: IdentityProvider, claims: Claims) -> Role | None:
    """The role of the first group on the provider's list that the person is in, else the one without a group."""
    held = set(claims.groups)
    wanted = next((row["role"] for row in provider.group_roles if row["group"] in held), None)
    if wanted is None:
        return provider.default_role
    role = Role.objects.filter(slug=wanted).exclude(slug=BuiltInRole.OWNER).first()
    return role or provider.default_role


def _is_owner(user: User) -> bool:
    return user.role is not None and user.role.slug == BuiltInRole.OWNER


def _refused(reason: str, provider: IdentityProvider, claims: Claims) -> SignInRefused:
    return SignInRefused(reason, provider=provider.name, email=claims.email or claims.subject)

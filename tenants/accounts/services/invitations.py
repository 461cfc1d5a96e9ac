"""Invitations: an address may become a person of this schema, by a link that is good for seven days.

The link names the row and how often it was sent. Nothing secret is stored; sending again, revoking and accepting make
every link before worthless. A waiting invitation holds a seat, so that nobody is invited to a place that is gone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError, RateLimited
from ops.kernel.ratelimit import hit
from tenants.accounts.enums import InvitationState
from tenants.accounts.errors import (
    AlreadyInvited,
    EmailTaken,
    InvitationExpired,
    InvitationRevoked,
    InvitationUsed,
    LinkExpired,
    LinkReplaced,
    NotPending,
)
from tenants.accounts.models import Invitation, Role, User
from tenants.accounts.services import doors, emails, seats, users

SALT = "accounts.invitation"
AGE = timedelta(days=7)
MOST_AT_ONCE = 50
# Enough for a company's first day; a stolen administrator is no mail cannon.
A_DAY = 300


# What stands between commas, semicolons and line breaks; a quoted name may hold them.
PIECE = re.compile(r"""(?:"[^"]*"|[^,;\r\n"])+""")
NAMED = re.compile(r"([^<>]*)<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Refused:
    """An address that got no invitation, and why."""

    email: str
    reason: DomainError

    @property
    def words(self) -> str:
        """Why, as exactly as it is known."""
        return self.reason.errors[0].detail if self.reason.errors else str(self.reason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of several addresses."""

    sent: list[Invitation]
    refused: list[Refused]


def addresses_in(text: str) -> list[tuple[str, str]]:
    """Names and addresses of a pasted text: lines, commas, semicolons, `Ana <ana@acme.example>`. Each address once.

    What cannot be read as an address is one too: its writer has to hear that nothing was sent to it.
    """
    found: dict[str, str] = {}
    for piece in PIECE.findall(text):
        named = NAMED.fullmatch(piece.strip())
        name, addresses = (named[1].strip(' "'), named[2]) if named else ("", piece)
        for one in addresses.split():
            found.setdefault(one.lower(), name[:120])
    return [(name, address) for address, name in found.items()]


def invite_many(
    *, people: Iterable[tuple[str, str]], role: str, by: Any, now: datetime, language: str = "", host: str = ""
) -> Outcome:
    """Invite several. One address that will not do keeps no other from its letter."""
    outcome = Outcome([], [])
    for name, email in list(people)[:MOST_AT_ONCE]:
        try:
            with transaction.atomic():
                outcome.sent.append(
                    invite(email=email, name=name, role=role, language=language, by=by, now=now, host=host)
                )
        except RateLimited:
            raise
        except DomainError as error:
            outcome.refused.append(Refused(email, error))
    return outcome


@transaction.atomic
def invite(
    *, email: str, role: str, by: Any, now: datetime, name: str = "", language: str = "", host: str = ""
) -> Invitation:
    """Write to an address that may come in with this role.

    Raises `EmailTaken`, `AlreadyInvited`, `UnknownRole`, `OwnerOnly`, `MoreThanYours`, `Invalid`, `RateLimited`, and
    whatever the plan raises when it has no seat left.
    """
    email = users.checked_address(email)
    found = users.role_called(role)
    users.only_owners_touch_owners(by, role)
    users.one_at_a_time()
    users.require_held(by, found)
    if User.objects.filter(email=email).exists():
        raise EmailTaken(field="email")
    if Invitation.objects.unanswered().filter(email=email).exists():
        raise AlreadyInvited(field="email")
    _require_seat(found, now)
    _count_letter()

    row = Invitation.objects.create(
        email=email,
        name=name.strip(),
        role=found,
        language=users.checked_language(language),
        invited_by=by if _is_here(by) else None,
        sent_at=now,
        expires_at=now + AGE,
    )

    audit.record("accounts.invitation_sent", by=by, on=row, detail={"email": email, "role": role}, now=now)
    emails.send_invitation(invitation_id=row.pk, host=host)
    return row


@transaction.atomic
def send_again(*, invitation: Invitation, by: Any, now: datetime, host: str = "") -> Invitation:
    """A fresh letter with seven more days; the link before stops working. Raises `NotPending`, and as `invite` does."""
    users.one_at_a_time()
    row = _locked(invitation)
    users.only_owners_touch_owners(by, row.role.slug)
    users.require_held(by, row.role)
    if row.expires_at <= now:
        _require_seat(row.role, now)
    _count_letter()

    row.sendings += 1
    row.sent_at, row.expires_at = now, now + AGE
    row.save(update_fields=["sendings", "sent_at", "expires_at", "updated_at"])

    audit.record("accounts.invitation_sent_again", by=by, on=row, now=now)
    emails.send_invitation(invitation_id=row.pk, host=host)
    return row


@transaction.atomic
def revoke(*, invitation: Invitation, by: Any, now: datetime) -> None:
    """Take it back: the link stops working and the seat is free. Raises `NotPending`."""
    row = _locked(invitation)
    users.only_owners_touch_owners(by, row.role.slug)
    row.revoked_at = now
    row.save(update_fields=["revoked_at", "updated_at"])
    audit.record("accounts.invitation_revoked", by=by, on=row, now=now)


def token_of(invitation: Invitation) -> str:
    """What the letter's link carries."""
    return signing.dumps([str(invitation.pk), invitation.sendings], salt=SALT)


def behind(token: str, *, now: datetime) -> Invitation:
    """The invitation of a link. Raises `InvitationUsed`, `InvitationRevoked`, `InvitationExpired`, `LinkReplaced`, `LinkExpired`."""
    try:
        # The row says how long it is good: sending again moves that.
        key, sending = signing.loads(token, salt=SALT, max_age=None)
        row = Invitation.objects.select_related("role", "invited_by").filter(pk=UUID(key)).first()
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise LinkExpired from error
    if row is None:
        raise LinkExpired
    state = row.state(now)
    if state == InvitationState.ACCEPTED:
        raise InvitationUsed
    if state == InvitationState.REVOKED:
        raise InvitationRevoked
    if sending != row.sendings:
        raise LinkReplaced
    if state == InvitationState.EXPIRED:
        raise InvitationExpired
    return row


@transaction.atomic
def accept(*, token: str, name: str, password: str, now: datetime) -> User:
    """The person comes in with a name and a password.

    Raises as `behind` does, `SignOnRequired` where the company login is the only way in, `Invalid` for a password that
    will not do, `EmailTaken`, and the plan's refusal of a seat.
    """
    users.one_at_a_time()
    row = Invitation.objects.select_for_update(of=("self",)).select_related("role").get(pk=behind(token, now=now).pk)
    doors.require_own(email=row.email)
    behind(token, now=now)  # again under the lock: two clicks at once are one use
    return _become(row, name=name, password=password, now=now)


def waiting_for(*, email: str, now: datetime) -> Invitation | None:
    """The invitation of an address that still works."""
    return Invitation.objects.open(now).select_related("role").filter(email=email.strip().lower()).first()


@transaction.atomic
def accept_for(*, email: str, name: str, now: datetime) -> User | None:
    """Somebody whose address a company login vouches for takes the invitation that waits for it, if one does."""
    users.one_at_a_time()
    rows = Invitation.objects.open(now).select_for_update(of=("self",)).select_related("role")
    row = rows.filter(email=email.strip().lower()).first()
    return _become(row, name=name, password=None, now=now) if row else None


def waiting_seats(*, now: datetime) -> int:
    """Seats that waiting invitations hold."""
    return Invitation.objects.open(now).filter(role__seated=True).count()


def _become(row: Invitation, *, name: str, password: str | None, now: datetime) -> User:
    if User.objects.filter(email=row.email).exists():
        raise EmailTaken
    users.require_seat(row.role)
    if password is not None:
        users.check_new_password(password, User(email=row.email, name=name))
    user: User = User.objects.create_user(
        row.email,
        password,
        name=(name or row.name).strip(),
        role=row.role,
        language=row.language,
        date_joined=now,
        last_login=now,
    )
    row.accepted_at, row.accepted_by = now, user
    row.save(update_fields=["accepted_at", "accepted_by", "updated_at"])
    audit.record("accounts.invitation_accepted", by=user, on=row, detail={"role": row.role.slug}, now=now)
    return user


def _locked(invitation: Invitation) -> Invitation:
    rows = Invitation.objects.unanswered().select_for_update(of=("self",)).select_related("role")
    row = rows.filter(pk=invitation.pk).first()
    if row is None:
        raise NotPending
    return row


def _require_seat(role: Role, now: datetime) -> None:
    if seats.is_seated(role) and User.objects.seated().exists():
        seats.require(waiting_seats(now=now) + 1)


def _count_letter() -> None:
    tried = hit("invitations", limit=A_DAY, window_s=24 * 3600)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.reset_s)


def _is_here(by: Any) -> bool:
    return isinstance(by, User) and User.objects.filter(pk=by.pk).exists()

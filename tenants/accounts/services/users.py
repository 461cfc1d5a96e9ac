"""People: adding, inviting, deactivating, and what they may do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction

from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from ops.kernel.registry import open_work
from ops.kernel.tasks import enqueue
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.errors import (
    EmailTaken,
    LastOwner,
    MoreThanYours,
    OwnerOnly,
    UnknownLanguage,
    UnknownRole,
    UnknownTimeZone,
    WrongPassword,
)
from tenants.accounts.models import Role, User
from tenants.accounts.queries import roles
from tenants.accounts.services import attempts, doors, emails, factors, links, logins, seats, sessions
from tenants.enums import PUBLIC_SCHEMA


@transaction.atomic
def create(
    *,
    email: str,
    role: str,
    now: datetime,
    name: str = "",
    language: str = "",
    password: str | None = None,
    by: Any = None,
    host: str = "",
) -> User:
    """Add a person. Without a password they get a welcome link by e-mail to `host` (the tenant's own by default).

    Raises `EmailTaken`, `UnknownRole`, `OwnerOnly`, `Invalid` for an address or a password that will not do, and
    whatever the plan raises when it has no seat left.
    """
    email = checked_address(email)
    found = role_called(role)
    only_owners_touch_owners(by, role)
    one_at_a_time()
    require_held(by, found)
    if User.objects.filter(email=email).exists():
        raise EmailTaken(field="email")
    require_seat(found)
    if password is not None:
        check_new_password(password, User(email=email, name=name))

    user = User.objects.create_user(
        email, password, name=name.strip(), role=found, language=checked_language(language), date_joined=now
    )

    audit.record("accounts.user_added", by=by, on=user, detail={"email": email, "role": role}, now=now)
    if password is None:
        emails.send("welcome", user=user, host=host)
    return user


def give_up_address(*, user: User) -> None:
    """Free the e-mail of somebody whose access ended, so that its owner can be somebody new here; the log keeps both."""
    user.email = f"{user.pk.hex}@left.invalid"
    user.save(update_fields=["email", "updated_at"])


@transaction.atomic
def invite_owner(
    *, email: str, now: datetime, name: str = "", language: str = "", host: str = "", send: bool = True
) -> User:
    """The first owner of a new tenant; asking again for the same address sends the link again and adds nobody.

    `send=False` leaves the letter to the caller, who shows or sends `links.welcome(user)` itself.
    """
    email = checked_address(email)
    user = User.objects.select_related("role").filter(email=email).first()
    if user is None:
        user = User.objects.create_user(
            email,
            name=name.strip(),
            role=role_called(BuiltInRole.OWNER),
            language=checked_language(language),
            date_joined=now,
        )
        audit.record("accounts.user_added", on=user, detail={"email": email, "role": BuiltInRole.OWNER.value}, now=now)
    if send and user.is_invited:
        emails.send("welcome", user=user, host=host)
    return user


@transaction.atomic
def add_from_provider(*, email: str, name: str, role: str, by: Any, now: datetime) -> User:
    """Somebody whom an identity provider vouches for comes in for the first time: no password and no welcome letter.

    Raises `EmailTaken`, `UnknownRole`, and the plan's refusal of a seat.
    """
    email = checked_address(email)
    found = role_called(role)
    one_at_a_time()
    if User.objects.filter(email=email).exists():
        raise EmailTaken(field="email")
    require_seat(found)

    user = User.objects.create_user(email, name=name.strip(), role=found, date_joined=now, last_login=now)

    audit.record("accounts.user_added", by=by, on=user, detail={"email": email, "role": role}, now=now)
    return user


@transaction.atomic
def invite_again(*, user: User, by: Any, now: datetime, host: str = "") -> None:
    """Send a fresh welcome link; the ones sent before stop working."""
    user = _locked(user)
    only_owners_touch_owners(by, _slug(user))
    if not user.is_invited or not user.is_active:
        raise Invalid
    user.set_unusable_password()
    user.save(update_fields=["password", "updated_at"])
    audit.record("accounts.user_invited", by=by, on=user, now=now)
    emails.send("welcome", user=user, host=host)


@transaction.atomic
def accept_invitation(*, token: str, name: str, password: str, now: datetime) -> User:
    """Use a welcome link: the person gets a name and a password. Raises `LinkExpired` the second time."""
    user = links.welcomed(token)
    user = _locked(user)
    links.welcomed(token)  # again under the lock: two clicks at once are one use
    doors.require_own(email=user.email)
    check_new_password(password, user)

    user.name = name.strip()
    user.set_password(password)
    user.last_login = now
    user.save(update_fields=["name", "password", "last_login", "updated_at"])

    audit.record("accounts.user_welcomed", by=user, on=user, now=now)
    return user


@transaction.atomic
def deactivate(*, user: User, by: Any, now: datetime, hand_over: Mapping[str, str] | None = None) -> None:
    """Stop a person's logins, sessions and tokens at once; what they made stays. Raises `LastOwner`, `OwnerOnly`.

    Their open work goes to somebody else: `hand_over` names a choice for each kind of it, else its first one is taken.
    """
    one_at_a_time()
    user = _locked(user)
    only_owners_touch_owners(by, _slug(user))
    if not user.is_active:
        return
    _keep_an_owner(user)

    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    logins.end_all(user=user, now=now)
    unknown = set(hand_over or {}) - set(open_work.keys())
    if unknown:
        raise Invalid(field="hand_over")
    # The platform's and resellers' people have no work of a tenant in hand.
    for key, work in open_work.items() if connection.schema_name != PUBLIC_SCHEMA else ():
        work.hand_over(user, (hand_over or {}).get(key, ""), by, now)

    audit.record("accounts.user_deactivated", by=by, on=user, now=now)


@transaction.atomic
def activate(*, user: User, by: Any, now: datetime) -> None:
    """Let a person in again, when the plan has a seat for them."""
    one_at_a_time()
    user = _locked(user)
    only_owners_touch_owners(by, _slug(user))
    if user.is_active:
        return
    require_seat(user.role)

    user.is_active = True
    user.save(update_fields=["is_active", "updated_at"])

    audit.record("accounts.user_activated", by=by, on=user, now=now)


@transaction.atomic
def set_role(*, user: User, role: str, by: Any, now: datetime) -> None:
    """Give a person another role. Raises `LastOwner`, `OwnerOnly`, `MoreThanYours`, `UnknownRole`, or the plan's refusal."""
    found = role_called(role)
    one_at_a_time()
    user = _locked(user)
    before = _slug(user)
    only_owners_touch_owners(by, role, before)
    if before == role:
        return
    require_held(by, found, user.role)
    if role != BuiltInRole.OWNER:
        _keep_an_owner(user)
    if user.is_active and not seats.is_seated(user.role):
        require_seat(found)

    user.role = found
    user.save(update_fields=["role", "updated_at"])
    sessions.tell_sockets(user.pk)

    audit.record("accounts.role_changed", by=by, on=user, detail={"from": before, "to": role}, now=now)


@transaction.atomic
def set_language(*, user: User, language: str) -> None:
    """The language of the pages this person sees; empty means the tenant's own."""
    user.language = checked_language(language)
    user.save(update_fields=["language", "updated_at"])


@transaction.atomic
def set_time_zone(*, user: User, time_zone: str) -> None:
    """The zone this person's pages show times in; empty means the company's. Raises `UnknownTimeZone`."""
    if time_zone and time_zone not in available_timezones():
        raise UnknownTimeZone(field="time_zone")
    user.time_zone = time_zone
    user.save(update_fields=["time_zone", "updated_at"])


@transaction.atomic
def rename(*, user: User, name: str) -> None:
    """Change the name others see."""
    user.name = name.strip()
    user.full_clean(exclude=["email", "password", "role"], validate_unique=False, validate_constraints=False)
    user.save(update_fields=["name", "updated_at"])


@transaction.atomic
def change_password(*, user: User, current: str, new: str, now: datetime, keep: UUID | None = None) -> None:
    """Replace the password of somebody who knows it. Every other login of theirs ends; `keep` is the one that asks."""
    user = _locked(user)
    doors.require_own(email=user.email)
    if not user.check_password(current):
        raise WrongPassword(field="current_password")
    check_new_password(new, user, field="new_password")
    _replace_password(user, new, now, keep)
    audit.record("accounts.password_changed", by=user, on=user, now=now)


@transaction.atomic
def reset_password(*, token: str, password: str, now: datetime) -> User:
    """Choose a new password with a link from an e-mail. Every login of the person ends. Raises `LinkExpired`."""
    user = _locked(links.resetting(token))
    links.resetting(token)
    doors.require_own(email=user.email)
    check_new_password(password, user)
    _replace_password(user, password, now)
    audit.record("accounts.password_reset", by=user, on=user, now=now)
    return user


def request_password_reset(*, email: str, host: str = "") -> None:
    """Somebody asked for a new password. Whether the address is known is looked up later, in a task:

    the answer and the time it takes are then the same for every address.
    """
    enqueue("accounts.answer_reset_request", email=email, host=host)


def answer_password_reset(*, email: str, host: str) -> None:
    """Write to that address if an active person has it: a reset link, or the welcome link to who never came in."""
    user = User.objects.active().members().filter(email=email.strip().lower()).first()
    if user is None or doors.only_way_in(user.email) is not None:
        return
    emails.send("welcome" if user.is_invited else "password_reset", user=user, host=host)


@transaction.atomic
def reset_second_factor(*, user: User, by: Any, now: datetime) -> None:
    """Take a lost second factor away. Raises `OwnerOnly`, `MoreThanYours`, `FactorNotFound`."""
    user = _locked(user)
    only_owners_touch_owners(by, _slug(user))
    require_held(by, user.role)
    factors.reset(user=user, by=by, now=now)


@transaction.atomic
def log_out(*, user: User, by: Any, now: datetime) -> None:
    """End every login of somebody else. Raises `OwnerOnly`."""
    user = _locked(user)
    only_owners_touch_owners(by, _slug(user))
    logins.end_others(user=user, keep=None, by=by, now=now)


def tell_of_guesses(*, email: str, host: str) -> None:
    """Write to who has that address, if anybody has, that somebody tried too many passwords."""
    user = User.objects.active().filter(email=email.replace("\x00", "").strip().lower()).first()
    if user is not None and not user.is_invited:
        emails.send("guesses", user=user, host=host)


def unlock(*, token: str, now: datetime) -> User:
    """The owner answers the letter: the account may be tried again. Raises `LinkExpired`."""
    user = links.unlocking(token)
    attempts.unlock(email=user.email)
    audit.record("accounts.unlocked", by=user, on=user, now=now)
    return user


def _replace_password(user: User, password: str, now: datetime, keep: UUID | None = None) -> None:
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    logins.end_all(user=user, now=now, keep=keep)
    emails.send("password_changed", user=user)


def checked_address(email: str) -> str:
    """The address as it is kept. Raises `Invalid`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(errors=[FieldError("email", "invalid", " ".join(error.messages))]) from error
    return email


def role_called(slug: str) -> Role:
    """The role of a short name. Raises `UnknownRole`."""
    role = Role.objects.filter(slug=slug).first()
    if role is None:
        raise UnknownRole(field="role")
    return role


def _slug(user: User) -> str | None:
    return user.role.slug if user.role else None


def checked_language(language: str) -> str:
    """The language, when the pages speak it; empty is the tenant's own. Raises `UnknownLanguage`."""
    if language and language not in dict(settings.LANGUAGES):
        raise UnknownLanguage(field="language")
    return language


def check_new_password(password: str, user: User, field: str = "password") -> None:
    """The rules of passwords. Raises `Invalid` at the field."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            errors=[FieldError(field, one.code or "invalid", " ".join(one.messages)) for one in error.error_list]
        ) from error


def _locked(user: User) -> User:
    return User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)


def one_at_a_time() -> None:
    """Seats and owners are counted before they are changed; two administrators at once would both see room."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{connection.schema_name}.accounts.people"]
        )


def require_seat(role: Role | None) -> None:
    """Refuse a role that answers conversations when the plan has no seat left."""
    # Only the first owner is free, so the first seated person of a schema needs no seat.
    if seats.is_seated(role) and User.objects.seated().exists():
        seats.require(1)


def _keep_an_owner(user: User) -> None:
    owners = User.objects.active().with_role(BuiltInRole.OWNER)
    if _slug(user) == BuiltInRole.OWNER and user.is_active and not owners.exclude(pk=user.pk).exists():
        raise LastOwner


def require_held(by: Any, *given: Role | None, field: str = "role") -> None:
    """Nobody gives or takes away what they do not hold themselves. Raises `MoreThanYours`."""
    own = roles.gives(by)
    if own is None:
        return
    for names in roles.held_by(role for role in given if role is not None).values():
        if names - own:
            raise MoreThanYours(names - own, field=field)


def only_owners_touch_owners(by: Any, *roles: str | None) -> None:
    """Raises `OwnerOnly` for somebody who is none and gives or takes an owner's role."""
    if not isinstance(by, User) or BuiltInRole.OWNER not in roles or by.is_platform_admin:
        return
    if _slug(by) != BuiltInRole.OWNER:
        raise OwnerOnly

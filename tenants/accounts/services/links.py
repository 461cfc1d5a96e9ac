"""Links that let a person in once. Each names its schema and dies with its first use.

A link carries a fingerprint of what it is going to change (the password, the last login), so using it, or anything
else that changes the password, makes every older link of that person worthless. Nothing is stored.
"""

from uuid import UUID

from django.db import connection
from django.utils.crypto import constant_time_compare, salted_hmac

from ops.kernel import signing
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.errors import LinkExpired
from tenants.accounts.models import User

WELCOME_SALT = "accounts.welcome"
WELCOME_AGE_S = 7 * 24 * 3600
RESET_SALT = "accounts.password-reset"
RESET_AGE_S = 3600
STOP_SALT = "accounts.stop-email-change"
STOP_AGE_S = 7 * 24 * 3600
UNLOCK_SALT = "accounts.unlock"
UNLOCK_AGE_S = 3600
RECOVERY_SALT = "accounts.sso-recovery"
RECOVERY_AGE_S = 1800


def welcome(user: User) -> str:
    """Token of the first login of an invited person, good for seven days."""
    return _make(user, WELCOME_SALT)


def welcomed(token: str) -> User:
    """The invited person of that token. Raises `LinkExpired`."""
    user = _read(token, WELCOME_SALT, WELCOME_AGE_S)
    if not user.is_invited:
        raise LinkExpired
    return user


def reset(user: User) -> str:
    """Token that lets a person choose a new password, good for one hour."""
    return _make(user, RESET_SALT)


def resetting(token: str) -> User:
    """The person of a password-reset token. Raises `LinkExpired`."""
    return _read(token, RESET_SALT, RESET_AGE_S)


def unlock(user: User) -> str:
    """Token that lets the owner of an account try again after too many wrong passwords, good for one hour."""
    return _make(user, UNLOCK_SALT)


def unlocking(token: str) -> User:
    """The person of that token. Raises `LinkExpired`."""
    return _read(token, UNLOCK_SALT, UNLOCK_AGE_S)


def recovery(user: User) -> str:
    """Token of an owner's way back in past single sign-on, good for half an hour."""
    return _make(user, RECOVERY_SALT)


def recovering(token: str) -> User:
    """The owner of a recovery token. Raises `LinkExpired`, for somebody who is no owner any more too."""
    user = _read(token, RECOVERY_SALT, RECOVERY_AGE_S)
    if user.role is None or user.role.slug != BuiltInRole.OWNER:
        raise LinkExpired
    return user


def stop_email_change(user: User, *, old: str, new: str) -> str:
    """Token for the old address: that a change to another one was not the owner's wish, good for seven days."""
    return signing.dumps([str(user.pk), old, new], salt=STOP_SALT)


def stopping_email_change(token: str) -> tuple[User, str, str]:
    """The person, the old and the new address of that token. Raises `LinkExpired`."""
    try:
        key, old, new = signing.loads(token, salt=STOP_SALT, max_age=STOP_AGE_S)
        user = User.objects.active().filter(pk=UUID(key)).first()
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise LinkExpired from error
    if user is None:
        raise LinkExpired
    return user, old, new


def _make(user: User, salt: str) -> str:
    return signing.dumps([str(user.pk), _fingerprint(user, salt)], salt=salt)


def _read(token: str, salt: str, max_age: int) -> User:
    try:
        key, fingerprint = signing.loads(token, salt=salt, max_age=max_age)
        user = User.objects.select_related("role").active().filter(pk=UUID(key)).first()
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise LinkExpired from error
    if user is None or not constant_time_compare(fingerprint, _fingerprint(user, salt)):
        raise LinkExpired
    return user


def _fingerprint(user: User, salt: str) -> str:
    state = f"{connection.schema_name}|{user.pk}|{user.email}|{user.password}|{user.last_login and user.last_login.isoformat()}"
    return salted_hmac(f"balcao.{salt}", state, algorithm="sha256").hexdigest()[:32]

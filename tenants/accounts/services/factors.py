"""The second factor: an authenticator app, passkeys, and the codes for the day both are lost.

The rows are allauth's (`mfa.Authenticator`); its secrets are encrypted by our adapter. What happens to them is decided
here: `User.second_factor_at` is kept in step, so that asking whether somebody has one costs no question.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import transaction

from ops.kernel.audit import services as audit
from tenants.accounts.errors import FactorNotFound, FactorSetAlready, WrongCode
from tenants.accounts.models import User
from tenants.accounts.services import codes, emails, logins

NAME_MAX = 60


def new_secret() -> str:
    """A key for an authenticator app, in the letters people can type."""
    return generate_totp_secret()


def address_of(secret: str, *, user: User, issuer: str) -> str:
    """What the picture for the app says (the key URI format of authenticator apps)."""
    label = quote(f"{issuer}:{user.email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def required_from(user: User) -> datetime | None:
    """From when a second factor is asked of the person; nothing when it is theirs to choose."""
    return user.second_factor_from


def of(user: User) -> list[Authenticator]:
    """What the person has set up, oldest first, without the recovery codes."""
    rows = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return list(rows.order_by("created_at", "pk"))


def codes_left(user: User) -> int | None:
    """How many recovery codes are unused; nothing when none were made."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else None


@transaction.atomic
def add_app(*, user: User, secret: str, code: str, now: datetime, host: str = "") -> list[str]:
    """Set up an authenticator app with the first code it shows; gives recovery codes when there were none.

    Raises `WrongCode` and `FactorSetAlready`.
    """
    user = locked(user)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        raise FactorSetAlready
    step = codes.step_of(secret, code, now=now, after=0)
    if step is None:
        raise WrongCode(field="code")
    row = TOTP.activate(user, secret).instance
    row.data["step"] = step
    row.save(update_fields=["data"])
    audit.record("accounts.factor_added", by=user, on=user, detail={"kind": row.type}, now=now)
    return added(user=user, now=now, host=host)


def added(*, user: User, now: datetime, host: str = "") -> list[str]:
    """What follows every new factor: the mark on the person, a letter, and the first recovery codes, which it gives."""
    if user.second_factor_at is None:
        _mark(user, now)
    emails.send("factor_added", user=user, host=host)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).exists():
        return []
    return list(RecoveryCodes.activate(user).generate_codes())


@transaction.atomic
def renew_codes(*, user: User, now: datetime) -> list[str]:
    """New recovery codes; the ones before stop working. Raises `FactorNotFound` without a second factor."""
    user = locked(user)
    if user.second_factor_at is None:
        raise FactorNotFound
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    fresh = RecoveryCodes.activate(user).generate_codes()
    audit.record("accounts.codes_renewed", by=user, on=user, now=now)
    return list(fresh)


@transaction.atomic
def rename(*, user: User, key: int, name: str) -> None:
    """Another name for a passkey. Raises `FactorNotFound`."""
    row = Authenticator.objects.filter(user=user, pk=key, type=Authenticator.Type.WEBAUTHN).first()
    if row is None:
        raise FactorNotFound
    row.data["name"] = name.strip()[:NAME_MAX] or row.data["name"]
    row.save(update_fields=["data"])


@transaction.atomic
def remove(*, user: User, key: int, now: datetime, host: str = "") -> None:
    """Take one away. With the last one the recovery codes go too, and no device is trusted any more. Raises `FactorNotFound`."""
    user = locked(user)
    row = next((one for one in of(user) if one.pk == key), None)
    if row is None:
        raise FactorNotFound
    kind = row.type
    row.delete()
    if not of(user):
        _forget(user)
    audit.record("accounts.factor_removed", by=user, on=user, detail={"kind": kind}, now=now)
    emails.send("factor_removed", user=user, host=host)


@transaction.atomic
def reset(*, user: User, by: Any, now: datetime) -> None:
    """Somebody who manages the team takes a lost second factor away; every login of the person ends."""
    user = locked(user)
    if user.second_factor_at is None:
        raise FactorNotFound
    Authenticator.objects.filter(user=user).delete()
    _forget(user)
    logins.end_all(user=user, now=now)
    audit.record("accounts.factor_reset", by=by, on=user, now=now)
    emails.send("factor_reset", user=user)


def reseal(fresh: Callable[[str], str]) -> None:
    """Put keys of apps and seeds of recovery codes under another encryption key."""
    for row in Authenticator.objects.select_for_update(of=("self",)).order_by("pk"):
        changed = {name: fresh(row.data[name]) for name in ("secret", "seed") if row.data.get(name)}
        if any(row.data[name] != token for name, token in changed.items()):
            row.data |= changed
            row.save(update_fields=["data"])


def locked(user: User) -> User:
    """The person's row, held until the end of the transaction: factors and the mark change together."""
    return User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)


def _forget(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()
    _mark(user, None)
    logins.trust_none(user=user)


def _mark(user: User, when: datetime | None) -> None:
    user.second_factor_at = when
    user.save(update_fields=["second_factor_at", "updated_at"])

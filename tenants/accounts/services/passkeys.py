"""Passkeys: keys that stay in a telephone, a computer or a stick, and answer only the host they were made for.

The judge is Yubico's `fido2`; the rows are allauth's. A challenge is signed for the schema, its purpose and its person,
and is good for five minutes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ops.kernel import signing
from ops.kernel.audit import services as audit
from tenants.accounts.errors import PasskeyRefused
from tenants.accounts.models import User
from tenants.accounts.services import factors

SALT = "accounts.passkey"
ANSWER_AGE_S = 300
MOST = 20
# URL-safe base64 of at most 1,023 bytes (WebAuthn 2, credential ids).
IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,1364}")


class PasskeyCopied(PasskeyRefused):
    """The key's counter went back: somebody has a copy."""

    def __init__(self, holder: User) -> None:
        super().__init__()
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page stands that asks: a key answers for this host, and the browser tells this origin."""

    host: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is asked, and the token that its answer is judged by."""

    options: dict[str, Any]
    state: str


def offer(*, user: User, place: Place) -> Question:
    """Ask a browser to make a key, kept with the person's name so that it can log in alone."""
    options, state = _server(place).register_begin(
        PublicKeyCredentialUserEntity(id=_handle(user), name=user.email, display_name=user.get_full_name()),
        credentials=_credentials(user),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return Question(_plain(options), _sign("add", user, state))


@transaction.atomic
def add(*, user: User, name: str, answer: str, state: str, place: Place, now: datetime) -> list[str]:
    """Keep the key a browser made; gives recovery codes when there were none. Raises `PasskeyRefused`."""
    user = factors.locked(user)
    if len([one for one in factors.of(user) if one.type == Authenticator.Type.WEBAUTHN]) >= MOST:
        raise PasskeyRefused(_("There are %(count)s passkeys already. Remove one first.") % {"count": MOST})
    credential = _read(answer)
    try:
        made = _server(place).register_complete(_open(state, "add", user), RegistrationResponse.from_dict(credential))
    except (ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused from error
    found = made.credential_data
    if found is None:
        raise PasskeyRefused
    identity = websafe_encode(found.credential_id)
    if Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN, data__credential_id=identity).exists():
        raise PasskeyRefused
    Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={
            "name": name.strip()[: factors.NAME_MAX] or _("Passkey"),
            "credential": credential,
            "credential_id": identity,
            "sign_count": made.counter,
            "host": place.host,
        },
        created_at=now,
    )
    audit.record("accounts.factor_added", by=user, on=user, detail={"kind": str(Authenticator.Type.WEBAUTHN)}, now=now)
    return factors.added(user=user, now=now, host=place.host)


def ask(*, user: User | None, place: Place) -> Question:
    """Ask for one of a person's keys; without a person any key of this host may answer, and must know its holder."""
    options, state = _server(place).authenticate_begin(
        _credentials(user) if user else None,
        user_verification=UserVerificationRequirement.PREFERRED if user else UserVerificationRequirement.REQUIRED,
    )
    return Question(_plain(options), _sign("ask", user, state))


def judge(*, user: User | None, answer: str, state: str, place: Place, now: datetime) -> User:
    """The person whose key answered. Raises `PasskeyRefused` for every other answer.

    A key that counts and whose count goes back was copied: it is refused, and stands in the audit.
    """
    try:
        return _judge(user=user, answer=answer, state=state, place=place, now=now)
    except PasskeyCopied as error:
        audit.record("accounts.passkey_copied", by=error.holder, on=error.holder, now=now)
        raise


@transaction.atomic
def _judge(*, user: User | None, answer: str, state: str, place: Place, now: datetime) -> User:
    opened = _open(state, "ask", user)
    given = _read(answer)
    row = _row_of(given, user)
    holder: User = row.user  # type: ignore[assignment]  # allauth's stubs know Django's own user
    try:
        response = AuthenticationResponse.from_dict(given)
        handle = response.response.user_handle
        if (user is None and handle is None) or (handle is not None and handle != _handle(holder)):
            raise PasskeyRefused
        _server(place).authenticate_complete(opened, [_credential(row)], response)
    except (ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused from error
    count = response.response.authenticator_data.counter
    if (count or row.data.get("sign_count")) and count <= row.data.get("sign_count", 0):
        raise PasskeyCopied(holder)
    row.data["sign_count"] = count
    row.last_used_at = now
    row.save(update_fields=["data", "last_used_at"])
    return holder


def _row_of(given: Mapping[str, Any], user: User | None) -> Authenticator:
    identity = str(given.get("id"))
    if not IDENTITY.fullmatch(identity):
        raise PasskeyRefused
    rows = Authenticator.objects.select_for_update(of=("self",)).select_related("user__role")
    rows = rows.filter(type=Authenticator.Type.WEBAUTHN, data__credential_id=identity, user__is_active=True)
    row = (rows.filter(user=user) if user else rows).order_by("pk").first()
    if row is None:
        raise PasskeyRefused
    return row


def _server(place: Place) -> Fido2Server:
    # Exactly the page's own origin: a sister host, or another port of it, is somebody else.
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=place.host, name=place.name), verify_origin=lambda origin: origin == place.origin
    )


def _handle(user: User) -> bytes:
    # Says nothing about the person, and is another one in every schema: a host that changes hands opens nothing.
    return sha256(f"balcao.passkey|{connection.schema_name}|{user.pk}".encode()).digest()


def _credentials(user: User) -> list[AttestedCredentialData]:
    return [_credential(row) for row in factors.of(user) if row.type == Authenticator.Type.WEBAUTHN]


def _credential(row: Authenticator) -> AttestedCredentialData:
    data = RegistrationResponse.from_dict(row.data["credential"]).response.attestation_object.auth_data.credential_data
    if data is None:
        raise PasskeyRefused
    return data


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dict(options), default=dict))
    return plain


def _sign(purpose: str, user: User | None, state: Any) -> str:
    return signing.dumps([purpose, str(user.pk) if user else "", state], salt=SALT)


def _open(token: str, purpose: str, user: User | None) -> Any:
    try:
        meant, whose, state = signing.loads(token, salt=SALT, max_age=ANSWER_AGE_S)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise PasskeyRefused from error
    if meant != purpose or whose != (str(user.pk) if user else ""):
        raise PasskeyRefused
    return state


def _read(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer)
    except ValueError as error:
        raise PasskeyRefused from error
    if not isinstance(given, dict):
        raise PasskeyRefused
    return given

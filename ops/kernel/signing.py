"""Signed values that name their tenant: a link made for one schema is refused in every other."""

from datetime import datetime
from typing import Any

from django.core import signing
from django.db import connection

BadSignature = signing.BadSignature
SignatureExpired = signing.SignatureExpired


def dumps(value: Any, *, salt: str) -> str:
    """Sign a JSON value for the current schema. The text is readable by whoever holds it: no secrets inside."""
    return signing.dumps([connection.schema_name, value], salt=_salt(salt), compress=True)


def loads(token: str, *, salt: str, max_age: int | None) -> Any:
    """The value, when the token is ours, of this schema, for this purpose and at most `max_age` seconds old.

    Raises `BadSignature` (or its subclass `SignatureExpired`); `max_age=None` means it never expires, said on purpose.
    """
    try:
        payload = signing.loads(token, salt=_salt(salt), max_age=max_age)
    except BadSignature:
        raise
    except (ValueError, UnicodeError, OverflowError) as error:
        # Signed by us but not readable, or not a token at all: the same answer for both.
        raise BadSignature("The token cannot be read.") from error
    if not (isinstance(payload, list) and len(payload) == 2 and payload[0] == connection.schema_name):
        raise BadSignature("The token belongs to another tenant.")
    return payload[1]


def dumps_until(value: Any, *, salt: str, until: datetime) -> str:
    """Sign a JSON value that is good until an instant. The same value and instant give the same text, so that a
    browser may keep what it fetched under it."""
    signer = signing.Signer(salt=_salt(salt))
    return signer.sign_object([connection.schema_name, int(until.timestamp()), value], compress=True)


def loads_until(token: str, *, salt: str, now: datetime) -> Any:
    """The value of `dumps_until`. Raises `BadSignature`, or `SignatureExpired` after its instant."""
    try:
        payload = signing.Signer(salt=_salt(salt)).unsign_object(token)
    except BadSignature:
        raise
    except (ValueError, UnicodeError, OverflowError) as error:
        raise BadSignature("The token cannot be read.") from error
    if not (isinstance(payload, list) and len(payload) == 3 and payload[0] == connection.schema_name):
        raise BadSignature("The token belongs to another tenant.")
    if payload[1] < now.timestamp():
        raise SignatureExpired("The token is too old.")
    return payload[2]


def _salt(salt: str) -> str:
    # The schema stands in the salt too: a token of another tenant fails already at the signature.
    return f"balcao.{salt}.{connection.schema_name}"

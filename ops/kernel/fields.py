"""Text that is unreadable in the database: Fernet tokens under `settings.FIELD_KEYS`, newest key first."""

import functools
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import models


class Unreadable(Exception):
    """A stored secret was encrypted with a key that `FIELD_KEYS` no longer lists."""


@functools.lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    keys = settings.FIELD_KEYS
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is empty: secrets cannot be stored.")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        # The key itself must not reach a log.
        raise ImproperlyConfigured("FIELD_KEYS holds a value that is not 32 url-safe base64 bytes.") from error


def _forget_keys(*, setting: str, **_: Any) -> None:
    if setting == "FIELD_KEYS":
        _fernet.cache_clear()


setting_changed.connect(_forget_keys, dispatch_uid="ops.kernel.fields")


def encrypt(text: str) -> str:
    """The text as a token under the newest key."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of a token made with any of the keys. Raises `Unreadable`."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("This secret was encrypted with a key that is not in FIELD_KEYS.") from error


def rotate(token: str) -> str:
    """The same text under the newest key. Raises `Unreadable`."""
    try:
        return _fernet().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("This secret was encrypted with a key that is not in FIELD_KEYS.") from error


def is_current(token: str) -> bool:
    """Whether the newest key made this token."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class EncryptedTextField(models.TextField):
    """A text column that holds a Fernet token. Empty stays empty, so "is one set" needs no key.

    Two equal texts give two different tokens: only `isnull` and comparison with the empty string work as lookups.
    """

    def get_prep_value(self, value: Any) -> Any:
        """The token that is stored."""
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """The text. Raises `Unreadable`."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        """Only lookups that make sense on a token."""
        if lookup_name not in {"isnull", "exact"}:
            raise TypeError(f"An encrypted column cannot be searched by {lookup_name}.")
        return super().get_lookup(lookup_name)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse an index over tokens: it would find nothing."""
        found = super().check(**kwargs)
        if self.unique or getattr(self, "db_index", False):
            found.append(checks.Error("An encrypted column cannot be indexed.", obj=self, id="ops.kernel.E001"))
        return found

"""Reading frames: the wrong type of anything is the client's mistake, never ours."""

import contextlib
from typing import Any
from uuid import UUID

from ops.kernel import errors

MAX_NUMBER = 2**63 - 1


def uuid_in(frame: dict[str, Any], field: str) -> UUID:
    """A UUID, as text."""
    value = frame.get(field)
    if isinstance(value, str) and len(value) <= 36:
        with contextlib.suppress(ValueError):
            return UUID(value)
    raise errors.Invalid(field=field)


def uuids_in(frame: dict[str, Any], field: str, *, most: int) -> list[UUID]:
    """A list of UUIDs; left out means none."""
    values = frame.get(field) or []
    if not isinstance(values, list) or len(values) > most:
        raise errors.Invalid(field=field)
    return [uuid_in({field: value}, field) for value in values]


def number_in(frame: dict[str, Any], field: str, *, optional: bool = False) -> Any:
    """A whole number that fits the database."""
    value = frame.get(field)
    if value is None and optional:
        return None
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise errors.Invalid(field=field)
    return value


def text_in(frame: dict[str, Any], field: str, *, limit: int, optional: bool = False) -> str | None:
    """A text of at most `limit` characters."""
    value = frame.get(field)
    if value is None and optional:
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise errors.Invalid(field=field)
    return value


def flag_in(frame: dict[str, Any], field: str) -> bool:
    """True or false; left out means false."""
    value = frame.get(field, False)
    if not isinstance(value, bool):
        raise errors.Invalid(field=field)
    return value

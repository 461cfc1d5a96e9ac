"""Texts that no database keeps: with the NUL character, or with half of a surrogate pair."""

from typing import Any


class TooDeep(ValueError):
    """A value nested deeper than anybody means it."""


def flaw(value: Any, *, depth: int, path: str = "") -> str | None:
    """Where the first text stands that cannot be kept, such as `items.0.name`; nothing when all can.

    A name that cannot be kept cannot be repeated either: then the path is that of what holds it, and empty at the top.
    Raises `TooDeep` below `depth` levels.
    """
    if depth < 0:
        raise TooDeep
    if isinstance(value, str):
        return None if keepable(value) else path
    inner: Any = ()
    if isinstance(value, dict):
        if not all(keepable(name) for name in value):
            return path
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for name, one in inner:
        found = flaw(one, depth=depth - 1, path=f"{path}.{name}" if path else str(name))
        if found is not None:
            return found
    return None


def keepable(text: str) -> bool:
    """Whether it is whole characters, none of them NUL."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False

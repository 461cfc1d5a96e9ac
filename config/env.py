"""Typed readers of the environment that fail at start, naming the variable, the value and an example.

Every reader also accepts `NAME_FILE`, the path of a file that holds the value (Docker and Kubernetes
secrets). Secrets never appear in an error: only their length does.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that was asked for: what the README's table and the checks list."""

    name: str
    example: str
    secret: bool


known: dict[str, Variable] = {}


def _fail(name: str, raw: str, problem: str, example: str, *, secret: bool) -> ImproperlyConfigured:
    shown = f"a secret of {len(raw)} characters" if secret else repr(raw)
    return ImproperlyConfigured(f"{name} is {shown}: {problem}. Example: {name}={example}")


def read(
    name: str,
    parse: Callable[[str], T],
    *,
    default: T,
    example: str,
    secret: bool = False,
) -> T:
    """Value of `name`, parsed; `default` when it is unset or empty.

    Raises `ImproperlyConfigured` naming the variable, the bad value (masked for secrets) and an example.
    """
    known[name] = Variable(name, example, secret)
    raw = os.environ.get(name, "")
    path = os.environ.get(f"{name}_FILE", "")
    if raw and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one of them.")
    if path:
        try:
            raw = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(
                f"{name}_FILE is {path!r}: cannot be read ({error}). Example: {name}_FILE=/run/secrets/{name.lower()}"
            ) from error
    if not raw.strip():
        return default
    try:
        return parse(raw.strip())
    except ValueError as error:
        raise _fail(name, raw, str(error), example, secret=secret) from error


def text(name: str, *, default: str = "", example: str, secret: bool = False) -> str:
    """Any text without control characters."""

    def parse(raw: str) -> str:
        if any(ord(character) < 32 for character in raw):
            raise ValueError("it holds control characters")
        return raw

    return read(name, parse, default=default, example=example, secret=secret)


def boolean(name: str, *, default: bool) -> bool:
    """1, true, yes, on / 0, false, no, off."""

    def parse(raw: str) -> bool:
        if raw.lower() in TRUE:
            return True
        if raw.lower() in FALSE:
            return False
        raise ValueError("it must be 1 or 0")

    return read(name, parse, default=default, example="1")


def integer(name: str, *, default: int, low: int, high: int) -> int:
    """A whole number within [low, high]."""

    def parse(raw: str) -> int:
        try:
            value = int(raw)
        except ValueError:
            raise ValueError("it must be a whole number") from None
        if not low <= value <= high:
            raise ValueError(f"it must be between {low} and {high}")
        return value

    return read(name, parse, default=default, example=str(default))


def words(name: str, *, default: list[str], example: str, secret: bool = False) -> list[str]:
    """A comma-separated list; blanks are dropped."""

    def parse(raw: str) -> list[str]:
        return [part.strip() for part in raw.split(",") if part.strip()]

    return read(name, parse, default=default, example=example, secret=secret)


def url(name: str, *, schemes: set[str], default: str = "", example: str, secret: bool = False) -> str:
    """A URL with one of `schemes`; `secret` when it may carry a password."""

    def parse(raw: str) -> str:
        try:
            parts = urlsplit(raw)
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"it is not a URL ({error})") from None
        if parts.scheme not in schemes:
            raise ValueError(f"it must start with {' or '.join(sorted(s + ':' for s in schemes))}")
        return raw

    return read(name, parse, default=default, example=example, secret=secret)


def choice(name: str, *, options: set[str], default: str) -> str:
    """One of a closed set of words."""

    def parse(raw: str) -> str:
        if raw not in options:
            raise ValueError(f"it must be one of {', '.join(sorted(options))}")
        return raw

    return read(name, parse, default=default, example=default)

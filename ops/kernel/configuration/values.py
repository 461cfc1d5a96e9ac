"""What `configuration.get` gives: values that cannot be printed by accident."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from ops.kernel.redaction import MASK


class Secret:
    """A secret in the hands of code. It shows itself only through `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the call that needs it, never for a log."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("A secret is not pickled: it would reach a cache or a queue in the clear.")


class Source(StrEnum):
    """Where a value comes from, the nearest first."""

    OWN = "own"
    GROUP = "group"
    PLATFORM = "platform"
    DEFAULT = "default"


class Values(Mapping[str, Any]):
    """The fields of a setting, defaults filled in, secrets wrapped; `version` is 0 when nothing was saved here.

    `sources` says for each field who set it.
    """

    def __init__(
        self, values: dict[str, Any], *, version: int = 0, sources: Mapping[str, Source] | None = None
    ) -> None:
        self._values = values
        self.version = version
        self.sources: Mapping[str, Source] = sources or {}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Values({self.masked()!r}, version={self.version})"

    def masked(self) -> dict[str, Any]:
        """For pages, APIs and logs: a secret is the mask when set and empty when not."""
        return {
            name: (MASK if value else "") if isinstance(value, Secret) else value
            for name, value in self._values.items()
        }

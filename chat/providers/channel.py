"""What every channel's provider speaks: plain values in, plain values out. A provider knows the outside only."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ops.kernel.errors import PermanentFailure, TemporaryFailure


class NotNow(TemporaryFailure):
    """The provider did not take it, and would later: sending it again cannot send it twice."""

    code = "channel_busy"


class OutcomeUnknown(TemporaryFailure):
    """It was sent off, and no answer came back: it may have arrived."""

    code = "outcome_unknown"


class Refused(PermanentFailure):
    """The provider said no; its words say why."""

    code = "channel_refused"


class LoggedOut(Refused):
    """The provider does not know our key any more."""

    code = "channel_logged_out"


@dataclass(frozen=True, slots=True)
class File:
    """A file on its way out. `kind` is one of image, document, audio, video; `open` gives its bytes."""

    kind: str
    name: str
    mime: str
    voice: bool
    open: Callable[[], AbstractContextManager[Any]]

    def read(self) -> bytes:
        """All of it."""
        with self.open() as file:
            body: bytes = file.read()
        return body


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call's worth: words, or a file with its caption, or an approved template."""

    to: str
    text: str = ""
    file: File | None = None
    reply_to: str = ""
    template: dict[str, Any] | None = None
    # Our own name of the part, for providers that say it back with the receipt.
    reference: str = ""


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that came in: where the provider keeps it (`ref`), or its bytes when they came along."""

    name: str = ""
    mime: str = ""
    voice: bool = False
    ref: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came in."""

    external_id: str
    sender: str
    name: str = ""
    phone: str = ""
    email: str = ""
    text: str = ""
    html: str = ""
    files: Sequence[IncomingFile] = ()
    reply_to: str = ""
    edited: bool = False
    meta: dict[str, Any] = field(default_factory=dict)
    attrs: dict[str, str] = field(default_factory=dict)
    # Ids of earlier messages of the same thread, nearest first; mail only.
    thread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a message of ours got: `delivery` is one of sent, delivered, read, failed."""

    external_id: str
    delivery: str
    error: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one webhook held."""

    messages: Sequence[Incoming] = ()
    receipts: Sequence[Receipt] = ()


class Provider(Protocol):
    """A messenger. `text_limit` and `caption_limit` are characters."""

    text_limit: int
    caption_limit: int

    def send(self, outgoing: Outgoing) -> str:
        """Hand over one part; gives the provider's id. Raises `NotNow`, `OutcomeUnknown`, `Refused`."""
        ...

    def download(self, ref: str) -> IncomingFile:
        """Fetch a file. Raises `TemporaryFailure`, `PermanentFailure`."""
        ...

    def check(self) -> dict[str, str]:
        """Who we are there, to show on the settings page. Raises `TemporaryFailure`, `PermanentFailure`."""
        ...


def split(text: str, limit: int) -> list[str]:
    """A text in pieces of at most `limit` characters, cut at paragraphs, lines or words where there are any."""
    pieces: list[str] = []
    rest = text
    while len(rest) > limit:
        window = rest[: limit + 1]
        cut = max(window.rfind("\n\n"), 0) or max(window.rfind("\n"), 0) or max(window.rfind(" "), 0)
        if cut < limit // 2:
            cut = limit
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces

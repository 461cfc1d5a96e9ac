"""The shape of a channel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ops.kernel.alerts.enums import Severity


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told."""

    title: str
    body: str
    severity: Severity
    kind: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel answered: its id for the message, or its own words for a refusal."""

    ok: bool
    provider_id: str = ""
    answer: str = ""


class Channel(Protocol):
    """Sends one notice to one recipient.

    Raises `TemporaryFailure` for what may work later; a refusal is a receipt. `reference` is the same for every
    attempt, so a provider that knows idempotency keys sends once.
    """

    def send(self, notice: Notice, *, recipient: str, reference: str) -> Receipt:
        """Send; say what the channel answered."""
        ...

"""What every kind of login service says about a person, and how one of them is refused."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ops.kernel.errors import PermanentFailure


class AnswerRefused(PermanentFailure):
    """An answer that must not be believed. `reason` is a word of `errors.REASONS`, `words` are for the log."""

    code = "answer_refused"

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(words=words)
        self.reason = reason


class SettingsRefused(PermanentFailure):
    """What a login service says about itself is no use to us; `words` are for whoever sets it up."""

    code = "settings_refused"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who somebody is, as a login service that was checked says it."""

    subject: str
    email: str
    name: str = ""
    groups: tuple[str, ...] = ()
    # The service's own name for the session, by which it may end it.
    session: str = ""
    hosted_domain: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self) | {"groups": list(self.groups)}

    @classmethod
    def restored(cls, kept: dict[str, Any]) -> "Claims":
        """From a row."""
        return cls(**{**kept, "groups": tuple(kept.get("groups", ()))})


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: the claims, the name by which it is spent, and until when it could come again."""

    claims: Claims
    key: str
    expires_at: datetime
    in_reply_to: str = ""
    id_token: str = ""


def texts(value: Any) -> tuple[str, ...]:
    """A claim that may be one text or a list of them, as texts; anything else is left out."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list | tuple):
        return tuple(one for one in value if isinstance(one, str) and one)
    return ()

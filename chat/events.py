"""What the rest of the house may react to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import ClassVar

# Ids of the rules that led here, oldest first, so that a rule never sets itself off over others.
_cause: ContextVar[tuple[str, ...]] = ContextVar("chat.cause", default=())


@contextmanager
def caused_by(rules: tuple[str, ...]) -> Iterator[None]:
    """Events published inside say that these rules led to them."""
    token = _cause.set(rules)
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> str:
    """The rules that led here, as the events carry them."""
    return " ".join(_cause.get())


class OfConversation:
    """An event of one conversation; they are delivered in order."""

    __slots__ = ()
    conversation_id: str

    @property
    def aggregate(self) -> str:
        """The conversation."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class MessageSent(OfConversation):
    """A message was stored and numbered."""

    name: ClassVar[str] = "chat.message_sent"
    message_id: str
    conversation_id: str
    direction: str
    private: bool
    cause: str = field(default_factory=current_cause)


@dataclass(frozen=True, slots=True)
class MessageChanged(OfConversation):
    """The words of a message were changed, or taken away."""

    name: ClassVar[str] = "chat.message_changed"
    message_id: str
    conversation_id: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class MessageRetried(OfConversation):
    """Somebody wants a message that failed sent again."""

    name: ClassVar[str] = "chat.message_retried"
    message_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class ConversationStarted(OfConversation):
    """A visitor or an agent opened a conversation."""

    name: ClassVar[str] = "chat.conversation_started"
    conversation_id: str
    inbox_id: str
    contact_id: str
    cause: str = field(default_factory=current_cause)


@dataclass(frozen=True, slots=True)
class ConversationAssigned(OfConversation):
    """A conversation got another assignee, or none."""

    name: ClassVar[str] = "chat.conversation_assigned"
    conversation_id: str
    assignee_id: str | None
    cause: str = field(default_factory=current_cause)
    by_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationStatusChanged(OfConversation):
    """A conversation was opened again, snoozed, resolved or handed to the bot."""

    name: ClassVar[str] = "chat.conversation_status_changed"
    conversation_id: str
    status: str
    previous: str
    by_id: str | None = None
    cause: str = field(default_factory=current_cause)


@dataclass(frozen=True, slots=True)
class SlaWarned(OfConversation):
    """A promised time is nearly over."""

    name: ClassVar[str] = "chat.sla_warned"
    sla_event_id: str
    conversation_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class SlaBreached(OfConversation):
    """A promised time is over and the promise was not kept."""

    name: ClassVar[str] = "chat.sla_breached"
    sla_event_id: str
    conversation_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class CsatAnswered(OfConversation):
    """A visitor answered the survey, or changed the answer."""

    name: ClassVar[str] = "chat.csat_answered"
    csat_id: str
    conversation_id: str
    rating: int


@dataclass(frozen=True, slots=True)
class AttachmentFinished:
    """A file was checked: it is ready now, or rejected. `message_id` names the message that carries it, if one does."""

    name: ClassVar[str] = "chat.attachment_finished"
    attachment_id: str
    message_id: str | None
    conversation_id: str | None
    state: str

    @property
    def aggregate(self) -> str:
        """After the message it belongs to."""
        return f"conversation:{self.conversation_id}" if self.conversation_id else f"attachment:{self.attachment_id}"


@dataclass(frozen=True, slots=True)
class ConversationGivenToTeam(OfConversation):
    """A conversation got another team, or none."""

    name: ClassVar[str] = "chat.conversation_given_to_team"
    conversation_id: str
    team_id: str | None
    by_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationHandedOff(OfConversation):
    """A bot called a person into a conversation."""

    name: ClassVar[str] = "chat.conversation_handed_off"
    conversation_id: str
    bot_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentAvailable:
    """An agent came, says to be there again, or has more room: the queue may go on."""

    name: ClassVar[str] = "chat.agent_available"
    user_id: str

    @property
    def aggregate(self) -> str:
        """Events of one agent are delivered in order."""
        return f"agent:{self.user_id}"


@dataclass(frozen=True, slots=True)
class ContactsMerged:
    """Two contacts became one, or were separated again."""

    name: ClassVar[str] = "chat.contacts_merged"
    kept_id: str
    gone_id: str
    undone: bool

    @property
    def aggregate(self) -> str:
        """Events of one contact are delivered in order."""
        return f"contact:{self.kept_id}"

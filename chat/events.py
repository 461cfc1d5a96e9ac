"""What the rest of the house may react to."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A message was stored and numbered."""

    name: ClassVar[str] = "chat.message_sent"
    message_id: str
    conversation_id: str
    direction: str
    private: bool

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """The words of a message were changed, or taken away."""

    name: ClassVar[str] = "chat.message_changed"
    message_id: str
    conversation_id: str
    deleted: bool

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class MessageRetried:
    """Somebody wants a message that failed sent again."""

    name: ClassVar[str] = "chat.message_retried"
    message_id: str
    conversation_id: str

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class ConversationStarted:
    """A visitor or an agent opened a conversation."""

    name: ClassVar[str] = "chat.conversation_started"
    conversation_id: str
    inbox_id: str
    contact_id: str

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class ConversationAssigned:
    """A conversation got another assignee, or none."""

    name: ClassVar[str] = "chat.conversation_assigned"
    conversation_id: str
    assignee_id: str | None

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class ConversationStatusChanged:
    """A conversation was opened again, snoozed, resolved or handed to the bot."""

    name: ClassVar[str] = "chat.conversation_status_changed"
    conversation_id: str
    status: str
    previous: str

    @property
    def aggregate(self) -> str:
        """Events of one conversation are delivered in order."""
        return f"conversation:{self.conversation_id}"


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

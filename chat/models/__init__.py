"""Tables of the support counter."""

from chat.models.contact import Contact, ContactInbox
from chat.models.conversation import Conversation
from chat.models.event import ChatEvent
from chat.models.inbox import Inbox
from chat.models.message import Message

__all__ = ["ChatEvent", "Contact", "ContactInbox", "Conversation", "Inbox", "Message"]

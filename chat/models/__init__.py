"""Tables of the support counter."""

from chat.models.automation import AutomationRule, AutomationRun, Macro
from chat.models.contact import Contact, ContactInbox
from chat.models.conversation import Conversation
from chat.models.csat import CsatResponse
from chat.models.event import ChatEvent
from chat.models.hours import BusinessHours, Holiday
from chat.models.inbox import Inbox
from chat.models.left import LeftMessage
from chat.models.message import Message
from chat.models.sla import SlaEvent, SlaPolicy

__all__ = [
    "AutomationRule",
    "AutomationRun",
    "BusinessHours",
    "ChatEvent",
    "Contact",
    "ContactInbox",
    "Conversation",
    "CsatResponse",
    "Holiday",
    "Inbox",
    "LeftMessage",
    "Macro",
    "Message",
    "SlaEvent",
    "SlaPolicy",
]

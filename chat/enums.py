"""Words of the support counter."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """Where an inbox's people write from."""

    WEB = "web", _("Website")


class Status(models.TextChoices):
    """Where a conversation stands. `open` without an assignee is the queue."""

    OPEN = "open", pgettext_lazy("conversation", "Open")
    PENDING = "pending", pgettext_lazy("conversation", "Pending")
    SNOOZED = "snoozed", pgettext_lazy("conversation", "Snoozed")
    RESOLVED = "resolved", pgettext_lazy("conversation", "Resolved")


class Priority(models.TextChoices):
    """How urgent a conversation is."""

    NONE = "none", _("No priority")
    LOW = "low", pgettext_lazy("priority", "Low")
    MEDIUM = "medium", pgettext_lazy("priority", "Medium")
    HIGH = "high", pgettext_lazy("priority", "High")
    URGENT = "urgent", _("Urgent")


class Direction(models.TextChoices):
    """Who a message comes from, seen from the counter."""

    IN = "in", _("From the visitor")
    OUT = "out", _("From an agent")
    ACTIVITY = "activity", _("What happened")
    BOT = "bot", _("From the bot")


class Kind(models.TextChoices):
    """What a message carries."""

    TEXT = "text", _("Text")


class Delivery(models.TextChoices):
    """How far a message got; it only moves up."""

    PENDING = "pending", _("Waiting")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", pgettext_lazy("a message the other side has seen", "Read")
    FAILED = "failed", _("Failed")


class EventType(models.TextChoices):
    """What an entry of a conversation's history says."""

    MESSAGE_CREATED = "message.created", _("Message")
    MESSAGE_DELIVERY = "message.delivery", _("Delivery")
    CONVERSATION_CREATED = "conversation.created", _("Started")
    CONVERSATION_STATUS = "conversation.status", _("State changed")
    CONVERSATION_ASSIGNED = "conversation.assigned", _("Assigned")
    CONVERSATION_PRIORITY = "conversation.priority", _("Priority changed")


class Availability(models.TextChoices):
    """What an agent says about being there."""

    ONLINE = "online", _("Online")
    BUSY = "busy", _("Busy")
    OFFLINE = "offline", _("Offline")

"""Channels an alert can be told over, all of one shape. A new one is a module here and a line below."""

from ops.kernel.alerts.providers.base import Channel, Notice, Receipt
from ops.kernel.alerts.providers.email import EmailChannel
from ops.kernel.alerts.providers.in_app import InAppChannel
from ops.kernel.registry import Registry

channels: Registry[Channel] = Registry("alert channels")
channels.register("in_app", InAppChannel())
channels.register("email", EmailChannel())

__all__ = ["Channel", "Notice", "Receipt", "channels"]

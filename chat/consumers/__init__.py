"""The sockets of the counter."""

from chat.consumers.agent import AgentConsumer
from chat.consumers.widget import WidgetConsumer

__all__ = ["AgentConsumer", "WidgetConsumer"]

"""Our application without the brakes on how fast one person may write: the process that is measured."""

from config.asgi import application  # isort: skip — sets Django up for the others

from chat.consumers import base
from chat.services import messages

base.FRAMES_PATIENCE = base.FRAMES_END = 10**9
messages.VISITOR_LIMIT = 10**9

__all__ = ["application"]

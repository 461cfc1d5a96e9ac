"""The actions that may stand in the log, each with its words for people.

actions.register("chat.conversation_closed", _("Conversation closed"))
"""

from django.utils.functional import Promise

from ops.kernel.registry import Registry

registered: Registry[str | Promise] = Registry("audit actions")


class UnknownAction(LookupError):
    """The action was never registered with its label."""


def register(action: str, label: str | Promise) -> str:
    """Declare an action `app.thing_happened`; gives the name back, to be kept as a constant."""
    registered.register(action, label)
    return action


def label_of(action: str) -> str:
    """Words for people; the bare name for an action that this release no longer knows."""
    return str(registered.get(action) or action)

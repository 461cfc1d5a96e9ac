"""Publish domain events, deliver them, and look after those that could not be delivered.

`publishing` writes, `dispatching` delivers, `replaying` and `watching` are for operators, `inbox` keeps webhooks.
"""

from ops.kernel.outbox.services.publishing import Event, NotInTransaction, publish
from ops.kernel.outbox.services.replaying import discard, replay, replay_event

__all__ = ["Event", "NotInTransaction", "discard", "publish", "replay", "replay_event"]

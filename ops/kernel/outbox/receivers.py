"""The door for apps that react to events; see `subscriptions` for what a receiver may rely on.

from ops.kernel.outbox.receivers import Envelope, Inbound, inbound, receiver

@receiver("chat.message_sent")
def count_message(event: Envelope) -> None:
    metering.record("chat.message", event_id=f"message:{event.payload['message_id']}")
"""

from ops.kernel import tasks
from ops.kernel.outbox.events import TaskKept
from ops.kernel.outbox.subscriptions import Envelope, Inbound, inbound, receiver

__all__ = ["Envelope", "Inbound", "inbound", "receiver"]


@receiver(TaskKept.name)
def send_kept_task(event: Envelope) -> None:
    """Send a task that waited for the broker; while it is away this fails, and is tried again."""
    tasks.send_kept(event.payload["task"], kwargs=event.payload["kwargs"], headers=event.payload["headers"])

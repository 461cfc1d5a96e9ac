"""The door for apps that react to events; see `subscriptions` for what a receiver may rely on.

from ops.kernel.outbox.receivers import Envelope, Inbound, inbound, receiver

@receiver("chat.message_sent")
def count_message(event: Envelope) -> None:
    metering.record("chat.message", event_id=f"message:{event.payload['message_id']}")
"""

from ops.kernel.outbox.subscriptions import Envelope, Inbound, inbound, receiver

__all__ = ["Envelope", "Inbound", "inbound", "receiver"]

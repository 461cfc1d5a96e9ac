"""The door for apps that react to events; see `subscriptions` for what a receiver may rely on.

    from ops.kernel.outbox.receivers import Envelope, receiver

    @receiver("chat.message_sent")
    def count_message(event: Envelope) -> None:
        metering.record("chat.message", event_id=f"message:{event.payload['message_id']}")
"""

from ops.kernel.outbox.subscriptions import Envelope, receiver

__all__ = ["Envelope", "receiver"]

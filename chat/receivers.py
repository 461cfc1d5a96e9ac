"""What the counter does about events."""

from ops.kernel.metering import services as metering
from ops.kernel.outbox.receivers import Envelope, receiver


@receiver("chat.message_sent")
def count_message(event: Envelope) -> None:
    """Count what people and bots said; away from the hot path, once a message however often this runs."""
    metering.record("chat.messages", event_id=f"message:{event.payload['message_id']}", now=event.at)

"""What the counter does about events."""

from chat.services import webhooks
from ops.kernel.metering import services as metering
from ops.kernel.outbox.receivers import Envelope, receiver


@receiver("chat.message_sent")
def count_message(event: Envelope) -> None:
    """Count what people and bots said; away from the hot path, once a message however often this runs."""
    metering.record("chat.messages", event_id=f"message:{event.payload['message_id']}", now=event.at)


@receiver("chat.message_sent", name="chat.webhooks.message_sent")
@receiver("chat.conversation_started", name="chat.webhooks.conversation_started")
@receiver("chat.conversation_assigned", name="chat.webhooks.conversation_assigned")
@receiver("chat.conversation_status_changed", name="chat.webhooks.conversation_status_changed")
def tell_other_systems(event: Envelope) -> None:
    """Queue the webhooks that want this."""
    webhooks.tell(event_name=event.name, event_id=event.id, payload=event.payload, at=event.at)

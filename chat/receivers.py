"""What the counter does about events."""

from uuid import UUID

from django.utils import timezone

from chat.enums import Direction, Trigger
from chat.services import (
    assignment,
    automation,
    channels,
    flow,
    notifications,
    optouts,
    outgoing,
    own_channel,
    routing,
    switches,
    webhooks,
)
from chat.services.bots import handing, turns
from ops.kernel.metering import services as metering
from ops.kernel.outbox.receivers import Envelope, Inbound, inbound, receiver
from ops.kernel.tasks import enqueue


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


@receiver("chat.conversation_started")
def follow_start(event: Envelope) -> None:
    """Promise, apply the rules, hand out."""
    flow.conversation_started(
        conversation_id=UUID(event.payload["conversation_id"]),
        source=f"event:{event.id}",
        cause=event.payload.get("cause", ""),
        now=timezone.now(),
    )


@receiver("chat.message_sent")
def follow_message(event: Envelope) -> None:
    """Clocks, away replies and rules; away from the hot path."""
    flow.message_sent(
        conversation_id=UUID(event.payload["conversation_id"]),
        message_id=UUID(event.payload["message_id"]),
        direction=event.payload["direction"],
        private=event.payload["private"],
        source=f"event:{event.id}",
        cause=event.payload.get("cause", ""),
        now=timezone.now(),
    )


@receiver("chat.conversation_status_changed")
def follow_status(event: Envelope) -> None:
    """Clocks, the survey, rules; somebody has room, or somebody is wanted."""
    flow.status_changed(
        conversation_id=UUID(event.payload["conversation_id"]),
        status=event.payload["status"],
        previous=event.payload["previous"],
        by_team=event.payload.get("by_id") is not None,
        source=f"event:{event.id}",
        cause=event.payload.get("cause", ""),
        now=timezone.now(),
    )


@receiver("chat.conversation_assigned")
def follow_assignment(event: Envelope) -> None:
    """Rules; somebody has room, or a conversation waits again."""
    flow.assigned(
        conversation_id=UUID(event.payload["conversation_id"]),
        source=f"event:{event.id}",
        cause=event.payload.get("cause", ""),
        now=timezone.now(),
    )


@receiver("chat.conversation_given_to_team")
def follow_team(event: Envelope) -> None:
    """Other people may take it now."""
    routing.drain(now=timezone.now())


@receiver("chat.agent_available")
def follow_agent(event: Envelope) -> None:
    """An agent came, or has more room."""
    routing.drain(now=timezone.now())


@receiver("chat.sla_warned")
def follow_warning(event: Envelope) -> None:
    """Rules about promises that are nearly broken, and whoever has the conversation."""
    _follow_promise(Trigger.SLA_WARNED, event)


@receiver("chat.sla_breached")
def follow_breach(event: Envelope) -> None:
    """Rules about broken promises, and whoever has the conversation."""
    _follow_promise(Trigger.SLA_BREACHED, event)


def _follow_promise(trigger: Trigger, event: Envelope) -> None:
    automation.run(
        trigger,
        conversation_id=UUID(event.payload["conversation_id"]),
        sla_event_id=UUID(event.payload["sla_event_id"]),
        source=f"event:{event.id}",
        now=timezone.now(),
    )
    notifications.of_promise(conversation_id=UUID(event.payload["conversation_id"]), now=timezone.now())


@receiver("chat.csat_answered")
def follow_answer(event: Envelope) -> None:
    """Rules about answers to the survey."""
    automation.run(
        Trigger.CSAT_ANSWERED,
        conversation_id=UUID(event.payload["conversation_id"]),
        csat_id=UUID(event.payload["csat_id"]),
        source=f"event:{event.id}",
        now=timezone.now(),
    )


@receiver("chat.message_sent", name="chat.take_answered")
def take_answered(event: Envelope) -> None:
    """Give a conversation nobody has to whoever answers it."""
    if event.payload["direction"] == "out" and not event.payload["private"]:
        assignment.take_answered(message_id=UUID(event.payload["message_id"]), now=event.at)


@receiver("chat.message_sent", name="chat.notify.message_sent")
def notify_of_message(event: Envelope) -> None:
    """Tell the assignee, and whoever is called by name."""
    notifications.of_message(message_id=UUID(event.payload["message_id"]), now=event.at)


@receiver("chat.conversation_assigned", name="chat.notify.conversation_assigned")
def notify_of_assignment(event: Envelope) -> None:
    """Tell whoever was given a conversation by somebody else."""
    to, by = event.payload["assignee_id"], event.payload.get("by_id")
    if to is not None:
        notifications.of_assignment(
            conversation_id=UUID(event.payload["conversation_id"]),
            assignee_id=UUID(to),
            by_id=UUID(by) if by else None,
            now=event.at,
        )


@receiver("chat.conversation_given_to_team", name="chat.notify.conversation_given_to_team")
def notify_of_team(event: Envelope) -> None:
    """Tell the team's people."""
    to, by = event.payload["team_id"], event.payload["by_id"]
    if to is not None:
        notifications.of_team(
            conversation_id=UUID(event.payload["conversation_id"]),
            team_id=UUID(to),
            by_id=UUID(by) if by else None,
            now=event.at,
        )


@receiver("chat.conversation_started", name="chat.notify.conversation_started")
def notify_of_queue(event: Envelope) -> None:
    """Tell those who asked to be told of new conversations."""
    notifications.of_queue(conversation_id=UUID(event.payload["conversation_id"]), now=event.at)


@receiver("chat.message_sent", name="chat.bots.message_sent")
def let_the_bot_answer(event: Envelope) -> None:
    """A visitor wrote: the bot's turn, outside of this transaction. An agent wrote: the bot has nothing to say any more."""
    if event.payload["direction"] == Direction.IN and turns.may_begin(conversation_id=event.payload["conversation_id"]):
        enqueue("chat.bot_turn", message_id=event.payload["message_id"])
    elif event.payload["direction"] == Direction.OUT and not event.payload["private"]:
        handing.step_aside(conversation_id=UUID(str(event.payload["conversation_id"])), now=event.at)


@receiver("chat.conversation_assigned", name="chat.bots.conversation_assigned")
def let_the_bot_go(event: Envelope) -> None:
    """Somebody has the conversation now."""
    if event.payload["assignee_id"]:
        handing.step_aside(conversation_id=UUID(str(event.payload["conversation_id"])), now=event.at)


@receiver("chat.message_sent", name="chat.channels.message_sent")
def send_through_channel(event: Envelope) -> None:
    """Have replies leave through the channel they belong to."""
    if event.payload["direction"] in (Direction.OUT, Direction.BOT) and not event.payload["private"]:
        outgoing.order(conversation_id=UUID(event.payload["conversation_id"]))


@receiver("chat.message_sent", name="chat.channels.own")
def tell_own_channel(event: Envelope) -> None:
    """Tell the system behind a channel that people bring themselves what to deliver."""
    if event.payload["direction"] in (Direction.OUT, Direction.BOT) and not event.payload["private"]:
        own_channel.tell(event_id=event.id, message_id=UUID(event.payload["message_id"]), at=event.at)


@receiver("chat.message_sent", name="chat.campaigns.message_sent")
def heed_opt_out(event: Envelope) -> None:
    """Whoever answers a campaign with “stop” gets none any more."""
    if event.payload["direction"] == Direction.IN:
        optouts.heed(message_id=UUID(event.payload["message_id"]), now=event.at)


@receiver("chat.attachment_finished", name="chat.channels.attachment_finished")
def send_checked_file(event: Envelope) -> None:
    """Messages wait for their files to be checked."""
    if event.payload["message_id"] is not None and event.payload["conversation_id"] is not None:
        outgoing.order(conversation_id=UUID(event.payload["conversation_id"]))


@receiver("chat.message_retried")
def send_again(event: Envelope) -> None:
    """Somebody wants what failed, or got lost, sent once more."""
    outgoing.order_again(message_id=UUID(event.payload["message_id"]), now=timezone.now())


@inbound("telegram")
@inbound("whatsapp")
@inbound("email")
def take_webhook(event: Inbound) -> bool:
    """Handle what a channel's provider sent; the inbox stands in its kind."""
    return channels.handle(channel=event.provider, inbox_id=event.kind, body=event.body, now=timezone.now())


@receiver("billing.features_changed")
def show_features(event: Envelope) -> None:
    """Take away from open widgets what may not be used any more; what may be used again they learn at the next visit."""
    switches.tell()

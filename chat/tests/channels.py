"""What providers of channels send us, as they write it, and inboxes that are connected to a loopback."""

import hashlib
import hmac
import json

from chat.enums import Channel, ChannelState
from chat.models import ChannelAccount, Conversation
from chat.services import channels, outgoing
from ops.kernel.outbox.models import InboxEvent
from ops.kernel.outbox.services import inbox as webhooks

TOKEN = "123456:AAH-test"
APP_SECRET = "app-secret"
BOT = f"/bot{TOKEN}"
NUMBER = "106540352242922"
GRAPH = "/v24.0"


def inbox_of(channel, *, now, settings=None, keys=None):
    """A connected inbox."""
    inbox = channels.create(channel=channel, name=f"Our {channel}", now=now)
    given = {
        Channel.TELEGRAM: ({}, {"token": TOKEN, "webhook_secret": "a-secret"}),
        Channel.WHATSAPP: (
            {"phone_number_id": NUMBER, "account_id": "102290129340398"},
            {"access_token": "EAAJ", "app_secret": APP_SECRET, "verify_token": "ours"},
        ),
        Channel.EMAIL: ({"address": "ajuda@acme.example", "sender_name": "Acme", "out": "house", "imap": False}, {}),
        Channel.API: ({}, {}),
    }[channel]
    account = ChannelAccount.objects.get(inbox=inbox)
    account.settings, account.keys = {**given[0], **(settings or {})}, {**given[1], **(keys or {})}
    account.state = ChannelState.CONNECTED
    account.save()
    inbox.refresh_from_db()
    return inbox


def handled(now):
    """Handle every stored webhook of the schema, as the worker does."""
    for event in InboxEvent.objects.filter(state="pending").order_by("received_at", "pk"):
        webhooks.handle(inbox_id=str(event.pk), now=now)


def sent_out(now):
    """Send what waits everywhere, as the worker does."""
    for key in Conversation.objects.order_by("number").values_list("pk", flat=True):
        outgoing.send_waiting(conversation_id=key, now=now)


def update(text="Oi!", *, update_id=1, message_id=10, chat=777, edited=False, **more):
    """An Update of the Telegram Bot API."""
    message = {
        "message_id": message_id,
        "from": {"id": chat, "is_bot": False, "first_name": "Marta", "last_name": "Reis", "username": "martar"},
        "chat": {"id": chat, "first_name": "Marta", "type": "private"},
        "date": 1771000000,
        **({"text": text} if text else {}),
        **more,
    }
    return {"update_id": update_id, "edited_message" if edited else "message": message}


def notification(*, messages=(), statuses=(), contacts=(), number=NUMBER):
    """A notification of the WhatsApp Cloud API."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "551130000000", "phone_number_id": number},
    }
    if contacts:
        value["contacts"] = [{"profile": {"name": name}, "wa_id": wa_id} for wa_id, name in contacts]
    if messages:
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = list(statuses)
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}],
    }


def written(text, *, id="wamid.1", sender="5511988112040", name="Fábio", **more):
    """A notification about a text."""
    message = {"from": sender, "id": id, "timestamp": "1771000000", "type": "text", "text": {"body": text}, **more}
    return notification(messages=[message], contacts=[(sender, name)])


def status(id, state, **more):
    """A notification about a message of ours."""
    row = {"id": id, "status": state, "timestamp": "1771000001", "recipient_id": "5511988112040", **more}
    return notification(statuses=[row])


def signed(body):
    """The header Meta signs a body with."""
    return "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()


def telegram_post(client, inbox, told, *, secret="a-secret"):
    """Send an update as Telegram does."""
    return client.post(
        f"/webhooks/telegram/{inbox.website_token}/",
        json.dumps(told),
        "application/json",
        headers={"x-telegram-bot-api-secret-token": secret},
    )


def whatsapp_post(client, inbox, told, *, signature=None):
    """Send a notification as Meta does."""
    body = json.dumps(told).encode()
    return client.post(
        f"/webhooks/whatsapp/{inbox.website_token}/",
        body,
        "application/json",
        headers={"x-hub-signature-256": signature or signed(body)},
    )

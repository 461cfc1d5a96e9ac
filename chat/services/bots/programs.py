"""A bot that is a program of the customer's own.

Out: the message as JSON to the bot's address, signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`,
`webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`, key: the base64 after `whsec_`). In:
`POST /hooks/bot/<id>/`, signed the same way with the same secret; the same `webhook-id` again does nothing more.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from chat.enums import BotKind, BotState, HandoffReason, Status
from chat.models import Bot, BotAnswer, BotSession, Conversation, Message
from chat.queries import wire
from chat.services import messages
from chat.services.bots import handing
from ops.kernel import http
from ops.kernel.errors import Invalid, NotFound, PermanentFailure, PermissionRefused

TIMEOUT_S = 15
OLDEST_S = 300
MOST_BYTES = 64 * 1024
MOST_REPLIES = 10


class SignatureRefused(PermissionRefused):
    """Not signed, wrongly signed, or too old."""

    code = "signature_refused"
    message = _("The signature does not belong to this request. Sign webhook-id, webhook-timestamp and the body.")


def forward(*, answer_id: UUID, now: datetime) -> None:
    """Give a visitor's message to the program. Raises `TemporaryFailure` to be tried again; a refusal calls a person."""
    answer = (
        BotAnswer.objects.select_related("session__bot", "message", "session__conversation")
        .filter(pk=answer_id, session__state=BotState.ACTIVE)
        .first()
    )
    if answer is None:
        return
    bot, message = answer.session.bot, answer.message
    conversation = Conversation.objects.with_people().get(pk=message.conversation_id)
    said = Message.objects.with_people().get(pk=message.pk)
    body = json.dumps(
        {
            "type": "bot.message",
            "id": str(message.pk),
            "timestamp": now.isoformat(),
            "data": {
                "bot": {"id": str(bot.pk), "name": bot.name},
                "conversation": wire.conversation(conversation),
                "message": wire.message(said, visitor=False),
            },
        },
        ensure_ascii=False,
        default=str,
    )
    try:
        with http.client(
            bot.webhook_url,
            timeout=TIMEOUT_S,
            attempts=1,
            public_only=not settings.WEBHOOK_PRIVATE_ADDRESSES,
            max_bytes=MOST_BYTES,
        ) as client:
            client.post(
                bot.webhook_url,
                content=body.encode(),
                headers={
                    "Content-Type": "application/json",
                    **signature(bot.webhook_secret, str(message.pk), body, now),
                },
            )
    except PermanentFailure as failure:
        give_up(answer_id=answer_id, words=str(failure.words), now=now)


def give_up(*, answer_id: UUID, words: str, now: datetime) -> None:
    """The program cannot be reached: a person is called."""
    answer = BotAnswer.objects.select_related("session__bot").filter(pk=answer_id).first()
    if answer is None:
        return
    BotAnswer.objects.filter(pk=answer_id).update(trouble=words[:300])
    handing.over(conversation_id=answer.session.conversation_id, reason=HandoffReason.FAILED, now=now)


def signature(secret: str, key: str, body: str, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    timestamp = str(int(now.timestamp()))
    return {
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_mac(secret, f'{key}.{timestamp}.{body}'.encode())}",
    }


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def bot_behind(*, bot_id: UUID, key: str, timestamp: str, given: str, body: bytes, now: datetime) -> Bot:
    """The bot whose program signed this request. Raises `NotFound`, `SignatureRefused`."""
    bot = Bot.objects.active().filter(pk=bot_id, kind=BotKind.WEBHOOK).first()
    if bot is None:
        raise NotFound()
    if not key or len(key) > 200 or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureRefused()
    if abs(now.timestamp() - int(timestamp)) > OLDEST_S:
        raise SignatureRefused()
    expected = f"v1,{_mac(bot.webhook_secret, f'{key}.{timestamp}.'.encode() + body)}".encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in given.split()):
        raise SignatureRefused()
    return bot


def act(*, bot: Bot, key: str, asked: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What a program wants done in a conversation that is its own: `reply`, `handoff` or `resolve`.

    Raises `NotFound` for a conversation the bot is not in, `Invalid` for words that are not understood.
    """
    conversation_id = _uuid(asked.get("conversation"))
    action = asked.get("action", "reply")
    session = BotSession.objects.filter(conversation=conversation_id, bot=bot).first() if conversation_id else None
    if conversation_id is None or session is None:
        raise NotFound()
    if action not in {"reply", "handoff", "resolve"}:
        raise Invalid(field="action")
    with transaction.atomic():
        standing = Conversation.objects.select_for_update(of=("self",)).get(pk=conversation_id)
        session.refresh_from_db()
        if session.state != BotState.ACTIVE or standing.status != Status.PENDING:
            return {"done": False, "reason": "not_the_bots"}
        sent = None
        body = asked.get("body", "")
        if not isinstance(body, str):
            raise Invalid(field="body")
        if action == "reply" or body.strip():
            sent = messages.send_from_bot(
                conversation_id=standing.pk,
                bot=bot,
                body=body,
                client_id=uuid5(bot.pk, key),
                meta=_meta(asked),
                now=now,
            )
        if action == "handoff":
            handing.over(conversation_id=standing.pk, reason=HandoffReason.PROGRAM, now=now, quiet=sent is not None)
        if action == "resolve":
            handing.finish(conversation_id=standing.pk, now=now)
    return {"done": True, "message": str(sent.id) if sent else None}


def _meta(asked: dict[str, Any]) -> dict[str, Any]:
    offered = asked.get("quick_replies", [])
    if not isinstance(offered, list) or len(offered) > MOST_REPLIES:
        raise Invalid(field="quick_replies")
    replies = []
    for one in offered:
        label = one.get("label") if isinstance(one, dict) else one
        if not isinstance(label, str) or not label.strip() or len(label) > 60:
            raise Invalid(field="quick_replies")
        key = str(one.get("id", label))[:60] if isinstance(one, dict) else label
        replies.append({"id": key, "label": label.strip()})
    return {"quick_replies": replies} if replies else {}


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None

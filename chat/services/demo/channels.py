"""A conversation of each channel for the demonstration. Nothing is connected: there are no keys to show."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from billing import entitlements
from chat.enums import Channel, Delivery, Direction
from chat.models import Bot, Contact, Conversation, Inbox
from chat.providers.channel import Incoming
from chat.services import assignment, channels, conversations, incoming, message_changes, messages
from chat.services.bots import setup, turns

# A line begins with who speaks: `>` the person, `<` the agent.
TALKS: dict[str, list[dict[str, Any]]] = {
    "pt": [
        {
            "channel": Channel.WHATSAPP,
            "inbox": "WhatsApp",
            "minutes_ago": 17,
            "who": {"sender": "5511977401188", "name": "Cláudia Ferraz", "phone": "+5511977401188"},
            "lines": [
                "> Oi! Vocês entregam na Vila Clementino?",
                "< Oi, Cláudia! Entregamos sim, das 8h às 18h. A taxa é R$ 6,00.",
                "> Perfeito. Posso pagar na entrega?",
            ],
        },
        {
            "channel": Channel.TELEGRAM,
            "inbox": "Telegram",
            "minutes_ago": 96,
            "who": {"sender": "70551234", "name": "Igor Sampaio", "attrs": {"telegram": "@igorsampaio"}},
            "lines": [
                "> Bom dia, o pedido de ontem ainda não chegou",
                "< Bom dia, Igor! Já localizei: o entregador sai às 11h.",
                "> Beleza, fico no aguardo",
                "< Combinado. Aviso por aqui quando ele sair.",
            ],
        },
        {
            "channel": Channel.EMAIL,
            "inbox": "E-mail",
            "minutes_ago": 211,
            "subject": "Orçamento para o fim do ano",
            "who": {
                "sender": "compras@ferragensunidas.example",
                "name": "Heloísa Prates",
                "email": "compras@ferragensunidas.example",
            },
            "lines": [
                "> Boa tarde,\n\nprecisamos de um orçamento para a festa de fim de ano, cerca de 120 pessoas, "
                "no dia 18 de dezembro.\n\nObrigada,\nHeloísa",
                "< Boa tarde, Heloísa!\n\nObrigado pelo contato. Preparo a proposta ainda hoje. Há alguma restrição "
                "alimentar que devamos considerar?",
            ],
        },
        {
            "channel": Channel.TELEGRAM,
            "bot": True,
            "minutes_ago": 2,
            "who": {"sender": "70559981", "name": "Nádia Prates", "attrs": {"telegram": "@nadiaprates"}},
            "lines": ["> Oi!", "> qual o horário de funcionamento da loja?"],
        },
    ],
    "en": [
        {
            "channel": Channel.WHATSAPP,
            "inbox": "WhatsApp",
            "minutes_ago": 17,
            "who": {"sender": "447700900123", "name": "Priya Nair", "phone": "+447700900123"},
            "lines": [
                "> Hi, does the photography course include the certificate?",
                "< Hi Priya! Yes, it comes with the last lesson.",
                "> Lovely. Can I pay in two parts?",
            ],
        },
        {
            "channel": Channel.TELEGRAM,
            "inbox": "Telegram",
            "minutes_ago": 96,
            "who": {"sender": "70551234", "name": "Tom Becker", "attrs": {"telegram": "@tombecker"}},
            "lines": [
                "> The second video stops after a minute",
                "< Thanks for telling us, Tom. We are uploading it again right now.",
                "> Works now!",
                "< Great. Enjoy the lesson!",
            ],
        },
        {
            "channel": Channel.EMAIL,
            "inbox": "E-mail",
            "minutes_ago": 211,
            "subject": "Licences for our team",
            "who": {
                "sender": "training@northwind.example",
                "name": "Grace Doyle",
                "email": "training@northwind.example",
            },
            "lines": [
                "> Hello,\n\nwe would like to enrol 25 people. Is there a price for teams?\n\nKind regards,\nGrace",
                "< Hello Grace,\n\nthere is: from 20 people on it is 30 % less. Shall I send an offer for 25?",
            ],
        },
        {
            "channel": Channel.TELEGRAM,
            "bot": True,
            "minutes_ago": 2,
            "who": {"sender": "70559981", "name": "Nina Walsh", "attrs": {"telegram": "@ninawalsh"}},
            "lines": ["> Hi!", "> how do I get my certificate?"],
        },
    ],
}


def talks(language: str) -> list[dict[str, Any]]:
    """What was said, to be told among the website's talks in the order of time."""
    return TALKS["en" if language.startswith("en") else "pt"]


def tell(talk: dict[str, Any], *, now: datetime, people: dict[str, Any]) -> bool:
    """One conversation through its own inbox; `False` when the plan has no room for one more inbox.

    One of them the bot has, at work right now: the website's visitors reach a person at once.
    """
    if talk.get("bot"):
        return _tell_by_bot(talk, now=now, by=people["owner"])
    if not entitlements.check("chat.inboxes").allowed:
        return False
    _tell(talk, now=now, by=people["agent"])
    return True


def _tell_by_bot(talk: dict[str, Any], *, now: datetime, by: Any) -> bool:
    """What somebody asks and the bot answers, at the inbox an earlier talk made."""
    inbox = Inbox.objects.filter(channel=talk["channel"]).order_by("created_at", "pk").first()
    bot = Bot.objects.order_by("created_at", "pk").first()
    if inbox is None or bot is None:
        return False
    setup.stand_at(bot=bot, inboxes=[inbox], by=by, now=now - timedelta(days=9))
    clock = begun = now - timedelta(minutes=talk["minutes_ago"])
    conversation: Conversation | None = None
    for number, line in enumerate(talk["lines"]):
        clock += timedelta(seconds=25)
        said = Incoming(external_id=f"demo-bot-{number}", text=line[1:].strip(), thread=("demo-bot",), **talk["who"])
        stored = incoming.take_in(inbox=inbox, message=said, now=clock)
        if stored is None:
            continue
        conversation = stored.conversation
        turns.take(message_id=stored.pk, now=clock + timedelta(seconds=2))
    if conversation is None:
        return False
    Conversation.objects.filter(pk=conversation.pk).update(created_at=begun)
    Contact.objects.filter(pk=conversation.contact_id).update(created_at=begun)
    for row in conversation.messages.filter(direction=Direction.BOT).order_by("seq"):
        message_changes.set_delivery(message_id=row.pk, delivery=Delivery.READ, now=clock)
    conversation.refresh_from_db()
    conversations.mark_read(conversation_id=conversation.pk, seq=conversation.last_seq, now=clock)
    return True


def _tell(talk: dict[str, Any], *, now: datetime, by: Any) -> None:
    clock = now - timedelta(minutes=talk["minutes_ago"])
    inbox = channels.create(channel=talk["channel"], name=talk["inbox"], now=clock)
    meta = {"subject": talk["subject"]} if talk.get("subject") else {}
    conversation: Conversation | None = None
    for number, line in enumerate(talk["lines"]):
        clock += timedelta(seconds=70)
        text = line[1:].strip()
        if line[0] == ">":
            said = Incoming(external_id=f"demo-{number}", text=text, meta=meta, thread=("demo-0",), **talk["who"])
            stored = incoming.take_in(inbox=inbox, message=said, now=clock)
            if stored is not None and conversation is None:
                conversation = stored.conversation
                begun = now - timedelta(minutes=talk["minutes_ago"])
                Conversation.objects.filter(pk=conversation.pk).update(created_at=begun)
                Contact.objects.filter(pk=conversation.contact_id).update(created_at=begun)
                assignment.claim(conversation_id=conversation.pk, by=by, now=clock)
            continue
        assert conversation is not None
        sent = messages.send(
            conversation_id=conversation.pk,
            by=by,
            body=text,
            client_id=uuid5(NAMESPACE_URL, f"{inbox.pk}:{number}"),
            meta=meta,
            now=clock,
        )
        # Nobody sends it: in the demonstration it has arrived long ago.
        reached = Delivery.SENT if talk["channel"] == Channel.EMAIL else Delivery.READ
        message_changes.set_delivery(message_id=sent.id, delivery=reached, now=clock + timedelta(seconds=20))
    if conversation is not None and line[0] == "<":
        conversation.refresh_from_db()
        conversations.mark_read(conversation_id=conversation.pk, seq=conversation.last_seq, now=clock)

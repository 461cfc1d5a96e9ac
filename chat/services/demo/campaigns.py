"""Campaigns of the demonstration in every state, with people who saw, opened and answered them; and last night's estimates."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chat.enums import CampaignKind, CampaignState, Channel, LeftOut, RecipientState
from chat.models import Campaign, CampaignRecipient, Contact, Conversation, Inbox
from chat.services import churn

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "pt": {
        "prices": (
            "Ajuda na página de preços",
            "Oi, {{contact.first_name|tudo bem}}? Ficou alguma dúvida sobre os preços? Respondo em minutos.",
        ),
        "cart": (
            "Carrinho parado",
            "Seu pedido ainda está no carrinho. Quer que eu veja o prazo de entrega para o seu endereço?",
        ),
        "back": ("Boas-vindas de volta", "Que bom ver você de novo, {{contact.first_name|por aqui}}. Posso ajudar em algo?"),
        "holiday": ("Horário de fim de ano", "Em dezembro abrimos aos domingos, das 8h às 13h. Quer reservar?"),
        "quiet": ("Quem não aparece há 60 dias", "Sentimos sua falta, {{contact.first_name|por aqui}}. Preparamos uma novidade para você."),
        "quiet_subject": ("", "Uma novidade para você, {{contact.first_name|tudo bem}}?"),
    },
    "en": {
        "prices": (
            "Help on the pricing page",
            "Hi {{contact.first_name|there}}, any question about prices? I answer within minutes.",
        ),
        "cart": ("Waiting at checkout", "Your place is still reserved. Shall I check the next start date for you?"),
        "back": ("Welcome back", "Good to see you again, {{contact.first_name|there}}. Can I help with anything?"),
        "holiday": ("Year-end schedule", "We answer on Sundays too in December, from 8 am to 1 pm. Shall I save you a place?"),
        "quiet": ("Quiet for 60 days", "We missed you, {{contact.first_name|there}}. There is something new for you."),
        "quiet_subject": ("", "Something new for you, {{contact.first_name|there}}"),
    },
}  # fmt: skip
DAYS = 14


def fill(*, inbox: Inbox, language: str, people: dict[str, Any], now: datetime) -> None:
    """Four campaigns on the website, two to lists, and last night's estimates."""
    texts = TEXTS["en" if language.startswith("en") else "pt"]
    agent, owner = people["agent"], people["owner"]

    def add(key: str, kind: CampaignKind, state: CampaignState, at: datetime, **more: Any) -> Campaign:
        name, body = texts[key]
        row = Campaign.objects.create(
            **{"inbox": inbox, "name": name, "body": body, "kind": kind, "state": state, "created_by": owner, **more}
        )
        Campaign.objects.filter(pk=row.pk).update(created_at=at)
        return row

    ongoing, once = CampaignKind.ONGOING, CampaignKind.ONCE
    running, begun = CampaignState.RUNNING, now - timedelta(days=DAYS)
    # The pretend shop has no such pages: the one that speaks there is the one about prices, on every page.
    prices = add("prices", ongoing, running, begun, sender=agent, after_s=12, visitors="all", open_hours_only=False)
    cart = add(
        "cart", ongoing, running, begun, page_patterns=["/cart*", "/checkout*"], after_s=45, open_hours_only=True,
        attrs=[{"name": "cart", "op": "known", "value": ""}],
    )  # fmt: skip
    add("back", ongoing, CampaignState.PAUSED, begun, visitors="returning", most_times=3, pause_days=14)
    _live(prices, now=now, people=420, opened=0.21, replied=0.4)
    _live(cart, now=now, people=96, opened=0.33, replied=0.55)
    mailbox = Inbox.objects.filter(channel=Channel.EMAIL).order_by("created_at", "pk").first()
    if mailbox is not None:
        subject = texts["quiet_subject"][1]
        sent_at = now - timedelta(days=3)
        done = add(
            "quiet", once, CampaignState.DONE, sent_at, inbox=mailbox, sender=agent, subject=subject, basis="interest",
            audience={"quiet_days": 60}, starts_at=sent_at, listed_at=sent_at, done_at=sent_at + timedelta(minutes=9),
        )  # fmt: skip
        _sent(done, at=sent_at)
        add("holiday", once, CampaignState.DRAFT, now, inbox=mailbox, subject=texts["holiday"][0])
    churn.nightly(now=now)


def _key(chance: random.Random) -> str:
    return f"{UUID(int=chance.getrandbits(128)).hex}{'0' * 32}"


def _live(campaign: Campaign, *, now: datetime, people: int, opened: float, replied: float) -> None:
    """Visitors who saw it over two weeks, more of them by and by; nobody of them is known."""
    chance = random.Random(campaign.name)  # noqa: S311 — a demonstration
    rows = []
    for _number in range(people):
        at = now - timedelta(days=DAYS * (1 - chance.random() ** 0.8), minutes=chance.randint(1, 600))
        row = CampaignRecipient(
            campaign=campaign, visitor_key=_key(chance), state=RecipientState.SHOWN, shown=1, last_shown_at=at,
            created_at=at,
        )  # fmt: skip
        fate = chance.random()
        if fate < opened:
            row.opened_at = at + timedelta(seconds=chance.randint(3, 40))
            if chance.random() < replied:
                row.replied_at = row.opened_at + timedelta(seconds=chance.randint(15, 90))
        elif fate > 0.62:
            row.dismissed_at = at + timedelta(seconds=chance.randint(2, 30))
        rows.append(row)
    # Whoever replied last is somebody we know.
    talks = Conversation.objects.filter(inbox=campaign.inbox, campaigns=None).exclude(contact__name="")
    known = list(talks.select_related("contact").order_by("-created_at", "-pk")[:4])
    answered = sorted((row for row in rows if row.replied_at), key=lambda row: str(row.replied_at), reverse=True)
    for row, talk in zip(answered, known[::2] if campaign.sender_id else known[1::2], strict=False):
        row.conversation, row.contact = talk, talk.contact
    CampaignRecipient.objects.bulk_create(rows)


def _sent(campaign: Campaign, *, at: datetime) -> None:
    chance = random.Random(campaign.name)  # noqa: S311 — a demonstration
    rows = []
    for place, contact in enumerate(Contact.objects.exclude(name="").order_by("created_at", "pk")):
        if not contact.email:
            rows.append(
                CampaignRecipient(
                    campaign=campaign, contact=contact, state=RecipientState.SKIPPED, left_out=LeftOut.ADDRESS,
                    created_at=at,
                )
            )  # fmt: skip
            continue
        sent_at = at + timedelta(seconds=2 * place)
        rows.append(
            CampaignRecipient(
                campaign=campaign, contact=contact, address=contact.email.lower(), state=RecipientState.SENT,
                sent_at=sent_at, created_at=at,
                replied_at=sent_at + timedelta(hours=chance.randint(1, 30)) if chance.random() < 0.3 else None,
            )
        )  # fmt: skip
    CampaignRecipient.objects.bulk_create(rows)

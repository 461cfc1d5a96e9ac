"""The demonstration's help centres, and what their readers thought of them."""

import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from chat.enums import Status
from chat.models import Article, Bot, Category, Contact, Conversation, Inbox
from chat.services import articles, assignment, contacts, conversations, helpcentre, messages, questions, widget
from chat.services.bots import handing, setup, turns
from ops.kernel.configuration import services as configuration

HERE = Path(__file__).parent / "articles"
OTHER = {"pt-br": "en", "en": "pt-br"}
# How readers answered, over and over: helped, and what those wrote whom it did not help.
VERDICTS = (True, True, True, False, True, True, True, True)
WORDS = {
    "pt-br": ("Não achei se vocês entregam no feriado", "Faltou dizer se aceitam pedido pelo WhatsApp", ""),
    "en": ("Does this also work for group orders?", "I wanted to know if there is a free trial", ""),
}
SEARCHES = {
    "bakery": (
        "vocês entregam no feriado?",
        "entrega no feriado",
        "tem estágio para confeiteiro",
        "pedido pelo whatsapp",
    ),
    "books": ("vocês têm livro em braille?", "livros em braile", "audiolivro", "programa de fidelidade pontos"),
    "courses": ("free trial", "is there a free trial lesson", "gift a course to a friend", "do you teach in Spanish"),
}
CENTRES = {
    "bakery": {
        "title_pt_br": "Como podemos ajudar?",
        "intro_pt_br": "Pedidos, entregas e receitas de conservação da Padaria Aurora.",
        "footer_pt_br": "Padaria Aurora · Rua das Amoreiras, 214 · [Fale com a gente](/help/)",
        "title_en": "How can we help?",
        "intro_en": "Orders, delivery and how to keep our bread, from Padaria Aurora.",
    },
    "books": {
        "title_pt_br": "O que você procura?",
        "intro_pt_br": "Compras, entregas e a vida na Livraria Mirante.",
        "footer_pt_br": "Livraria Mirante · Ladeira do Mirante, 88, Centro",
    },
    "courses": {
        "title_en": "Hello. What can we help you with?",
        "intro_en": "Answers about your courses, payments and the app.",
        "footer_en": "Lantern Courses · Answers on weekdays within one working day",
        "intro_pt_br": "Respostas sobre cursos, pagamentos e o aplicativo.",
    },
}


def trade_of(slug: str, language: str) -> str:
    """Which of the three businesses a tenant plays."""
    if language.startswith("en"):
        return "courses"
    return "books" if slug.startswith("livraria") else "bakery"


def fill(*, trade: str, language: str, now: datetime, people: dict[str, Any]) -> int:
    """Fill an empty help centre; returns how many articles were made."""
    if Article.objects.exists():
        return 0
    own = "en" if language.startswith("en") else "pt-br"
    book = tomllib.loads((HERE / f"{trade}.toml").read_text(encoding="utf-8"))
    writer = people.get("editor") or people.get("agent")
    shelves = _shelves(book["category"], own=own, by=writer, now=now - timedelta(days=40))
    made = 0
    for place, entry in enumerate(book["article"]):
        at = now - timedelta(days=38 - place * 2, hours=place)
        article = _write(entry, shelf=shelves[entry["category"], own], locale=own, place=place, by=writer, now=at)
        _read(article, place=place, now=now)
        made += 1
        other = OTHER[own]
        if other in entry:
            _write(
                entry[other],
                shelf=shelves[entry["category"], other],
                locale=other,
                place=place,
                by=writer,
                now=at + timedelta(hours=3),
                group=article.group,
            )
            made += 1
    _ask(trade, own=own, writer=writer, now=now)
    configuration.set(helpcentre.NAME, CENTRES[trade], by=people.get("owner"), now=now)
    return made


def _shelves(rows: list[dict[str, Any]], *, own: str, by: Any, now: datetime) -> dict[tuple[str, str], Category]:
    found = {}
    for row in rows:
        shelf = articles.add_category(
            name=row["name"], description=row["description"], icon=row["icon"], locale=own, by=by, now=now
        )
        found[row["key"], own] = shelf
        other = OTHER[own]
        if other in row:
            found[row["key"], other] = articles.add_category(
                **row[other], icon=row["icon"], locale=other, group=shelf.group, by=by, now=now
            )
    return found


def _write(
    entry: dict[str, Any], *, shelf: Category, locale: str, place: int, by: Any, now: datetime, group: Any = None
) -> Article:
    """A first version, a correction an hour later, and the publication: as it happens."""
    article = articles.write(
        title=entry["title"],
        summary=entry["summary"],
        keywords=entry["keywords"],
        body=entry["body"].strip().rsplit("\n\n", 1)[0],
        category=shelf,
        locale=locale,
        group=group,
        position=(place + 1) * 10,
        by=by,
        now=now,
    )
    article = articles.change(article=article, body=entry["body"].strip(), by=by, now=now + timedelta(hours=1))
    return articles.publish(article=article, by=by, now=now + timedelta(hours=2))


def _read(article: Article, *, place: int, now: datetime) -> None:
    words = WORDS[article.locale]
    for reader in range(3 + place * 7 % 11):
        helpful = VERDICTS[(reader + place) % len(VERDICTS)]
        articles.rate(
            article=article,
            helpful=helpful,
            words="" if helpful else words[place % len(words)],
            reader=f"demo-{reader}",
            now=now - timedelta(days=reader, hours=place),
        )


def _ask(trade: str, *, own: str, writer: Any, now: datetime) -> None:
    for number, text in enumerate(SEARCHES[trade]):
        questions.collect(
            text=text, locale=own, source="search", key=f"search:demo:{number}", now=now - timedelta(hours=5 * number)
        )
    articles.write(
        title="Pedidos pelo WhatsApp" if own == "pt-br" else "Free trial lessons",
        locale=own,
        body="Rascunho: confirmar os horários com a loja." if own == "pt-br" else "Draft: ask sales which courses.",
        by=writer,
        now=now - timedelta(days=1),
    )


FLOWS = {
    "bakery": (
        "Aurora",
        "pt-br",
        "Oi! Sou a assistente da padaria. Como posso ajudar?",
        (
            ("Encomendar um bolo", "article:como-fazer-uma-encomenda-de-bolo"),
            ("Entrega e taxa", "article:bairros-atendidos-e-taxa-de-entrega"),
            ("Horário da loja", "article:horario-de-funcionamento-e-endereco"),
            ("Falar com a equipe", "person"),
        ),
    ),
    "books": (
        "Mira",
        "pt-br",
        "Olá! Posso procurar um livro, um pedido ou uma resposta para você.",
        (
            ("Onde está meu pedido", "article:acompanhar-meu-pedido"),
            ("Trocar um livro", "article:trocar-ou-devolver-um-livro"),
            ("Falar com a equipe", "person"),
        ),
    ),
    "courses": (
        "Lantern Guide",
        "en",
        "Hi! I know the answers to most questions about our courses.",
        (
            ("Enrol in a course", "article:enrol-in-a-course"),
            ("Refunds", "article:refunds-and-cancelling-a-course"),
            ("Talk to a person", "person"),
        ),
    ),
}
TALKS = {
    "bakery": (
        ("Helena Duarte", 16, ("Oi!", "vcs entregam na Bela Vista?", "sim")),
        ("Paulo Nery", 13, ("qual o valor da cesta de café da manhã para duas pessoas?",)),
        ("Joana Reis", 12, ("vocês fazem bolo com foto impressa em papel arroz?", "é pra sábado que vem, consegue?")),
    ),
    "books": (
        ("Iara Souto", 15, ("Boa tarde", "como eu rastreio meu pedido?", "ajudou")),
        ("Murilo Paz", 12, ("vocês têm livros em braille?", "quero falar com um atendente")),
    ),
    "courses": (
        ("Nora Ellis", 17, ("Hi there", "how do I get my certificate?", "yes")),
        ("Sam Okafor", 14, ("can I watch the lessons offline on my phone?",)),
        ("Lena Fox", 12, ("do you teach this in Spanish?", "I want to talk to a human")),
    ),
}


def place_bot(*, trade: str, now: datetime, people: dict[str, Any]) -> Bot:
    """A bot that greets in the language of the business."""
    name, locale, hello, buttons = FLOWS[trade]
    rows = []
    for label, target in buttons:
        does, _colon, value = target.partition(":")
        rows.append({"label": label, "do": does, "value": value})
    return setup.create(
        name=name,
        locale=locale,
        keywords=["Procon"] if locale == "pt-br" else ["chargeback"],
        flow={"steps": [{"key": "inicio" if locale == "pt-br" else "start", "text": hello, "buttons": rows}]},
        by=people.get("owner"),
        now=now,
    )


def let_the_bot_talk(*, trade: str, inbox: Inbox, now: datetime, people: dict[str, Any]) -> int:
    """Conversations the bot has had: some it solved, some it gave to a person; returns how many.

    Afterwards it leaves the website: who tries the demonstration reaches a person at once. Where there is a Telegram
    inbox it works there (`channels.tell`).
    """
    bot = place_bot(trade=trade, now=now, people=people)
    setup.stand_at(bot=bot, inboxes=[inbox], by=people.get("owner"), now=now)
    _talk(trade, inbox=inbox, people=people, now=now)
    setup.stand_at(bot=bot, inboxes=[], by=people.get("owner"), now=now)
    return len(TALKS[trade])


def _talk(trade: str, *, inbox: Inbox, people: dict[str, Any], now: datetime) -> None:
    for number, (name, days, lines) in enumerate(sorted(TALKS[trade], key=lambda one: -one[1])):
        key = uuid5(NAMESPACE_URL, f"bot:{trade}:{number}")
        began = clock = now - timedelta(days=days)
        visitor, _token = widget.open_session(inbox=inbox, visitor_id=key, now=clock)
        contacts.introduce(contact_id=visitor.contact_id, name=name)
        visitor = replace(visitor, name=name)
        conversation = conversations.start(visitor=visitor, client_id=key, now=clock)
        Contact.objects.filter(pk=visitor.contact_id).update(created_at=began)
        Conversation.objects.filter(pk=conversation.pk).update(created_at=began)
        for place, line in enumerate(lines):
            clock += timedelta(seconds=35)
            sent = messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=visitor, body=line, client_id=uuid5(key, str(place)), now=clock
            )
            turns.take(message_id=sent.id, now=clock + timedelta(seconds=2))
        _end(conversation.pk, key=key, english=trade == "courses", agent=people["agent"], now=clock)


def _end(conversation_id: UUID, *, key: UUID, english: bool, agent: Any, now: datetime) -> None:
    """Whom the bot called answers; what it answered and nobody wrote on is done a day later."""
    now += timedelta(minutes=2)
    conversation = Conversation.objects.get(pk=conversation_id)
    if conversation.status == Status.OPEN:
        assignment.claim(conversation_id=conversation_id, by=agent, now=now)
        said = "Hello, I am taking over from here." if english else "Oi, sou da equipe e continuo daqui."
        messages.send(conversation_id=conversation_id, by=agent, body=said, client_id=uuid5(key, "agent"), now=now)
        conversations.set_status(
            conversation_id=conversation_id, status=Status.RESOLVED, by=agent, now=now + timedelta(minutes=4)
        )
    handing.finish(conversation_id=conversation_id, now=now + timedelta(days=1))
    conversation.refresh_from_db()
    conversations.mark_read(conversation_id=conversation_id, seq=conversation.last_seq, now=now)

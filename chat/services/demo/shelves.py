"""The demonstration's help centres, and what their readers thought of them."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chat.models import Article, Category
from chat.services import articles, helpcentre, questions
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

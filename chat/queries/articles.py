"""Finding articles: what the index knows decides which are looked at, a ranking in words decides their order.

The index (`chat_article_words`) gives every published article with one of the question's words. Among those BM25 over
title, other words, summary and text ranks; its value is divided by what a perfect article would reach. So a score
says how much of the question an article answers, between 0 and 1, and means the same in a small help centre as in a
large one: the bot's threshold rests on that.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Value
from rapidfuzz import fuzz, process

from chat.models import Article
from chat.models.search import Matches
from chat.queries import terms

# How much a word says by where it stands, and how strongly a long field counts less.
FIELDS = {"title": (5.0, 0.5), "keywords": (4.0, 0.3), "summary": (2.0, 0.5), "text": (1.0, 0.75)}
SATURATION = 1.2
# A word nobody wrote is taken for the nearest one of a title when it is at least this alike.
ALIKE = 82
ALIKE_WORTH = 0.8
MOST_WORDS = 12
MOST_CANDIDATES = 200
SNIPPET = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """One word of a question: its stem, what it is worth, and whether only its beginning was typed so far."""

    stem: str
    worth: float = 1.0
    beginning: str = ""

    def among(self, counted: Counter[str]) -> int:
        """How often a field has it."""
        found = counted[self.stem]
        if not found and self.beginning:
            found = sum(times for word, times in counted.items() if word.startswith(self.beginning))
        return found


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found. `passage` is the part of its text that answers best."""

    id: UUID
    title: str
    slug: str
    summary: str
    locale: str
    category: str
    score: float
    passage: str
    text: str


def search(text: str, *, locale: str, limit: int = 10, typing: bool = False) -> list[Hit]:
    """Published articles of a language, best first; `typing` takes the last word for a beginning. At most three queries."""
    words = terms.content(text[:500], locale)[:MOST_WORDS]
    if not words and typing:
        # A beginning may look like a word that says nothing: "entre" on the way to "entrega".
        begun = terms.WORD.findall(terms.fold(text))[-1:]
        words = [(word, terms.stem(word, terms.language(locale))) for word in begun if len(word) > 2]
    if not words:
        return []
    wanted = [Wanted(root) for _, root in words]
    if typing:
        wanted[-1] = Wanted(words[-1][1], beginning=words[-1][0])
    rows = _candidates(wanted, locale=locale)
    fields = [_fields(row) for row in rows]
    unknown = [
        position
        for position, one in enumerate(wanted)
        if not any(one.among(counted) for document in fields for counted in document.values())
    ]
    if unknown:
        corrected = _corrected([words[position][0] for position in unknown], locale=locale)
        for position in unknown:
            nearest = corrected.get(words[position][0])
            if nearest:
                wanted[position] = Wanted(nearest, worth=ALIKE_WORTH)
        if corrected:
            rows = _candidates(wanted, locale=locale)
            fields = [_fields(row) for row in rows]
    scores = _scores(wanted, fields, count=_count(locale) if rows else 0)
    best = sorted(zip(scores, rows, strict=True), key=lambda pair: (-pair[0], pair[1]["position"], str(pair[1]["pk"])))
    return [_hit(row, score, wanted, locale) for score, row in best[:limit] if score > 0]


def _candidates(wanted: Sequence[Wanted], *, locale: str) -> list[dict[str, Any]]:
    query = " | ".join(
        sorted({f"{one.beginning or one.stem}:*" for one in wanted} | {f"{one.stem}:*" for one in wanted})
    )
    rows: Any = (
        Article.objects.published()
        .filter(Matches("search_text", Value(query)), locale=locale)
        .values("pk", "title", "slug", "summary", "keywords", "text", "locale", "position", "category__name")
    )
    return list(rows.order_by("pk")[:MOST_CANDIDATES])


def _fields(row: dict[str, Any]) -> dict[str, Counter[str]]:
    return {name: Counter(terms.tokens(row[name], row["locale"])) for name in FIELDS}


def _count(locale: str) -> int:
    return Article.objects.published().filter(locale=locale).count()


def _corrected(unknown: Sequence[str], *, locale: str) -> dict[str, str]:
    """For each word nobody wrote, the stem of the most alike word of the titles and their other words."""
    spoken = terms.language(locale)
    titles = Article.objects.published().filter(locale=locale).values_list("title", "keywords")
    known = {
        terms.singular(word)
        for title, keywords in titles
        for word in terms.WORD.findall(terms.fold(f"{title} {keywords}"))
        if len(word) > 3 and word not in terms.STOPPED[spoken]
    }
    found = {}
    for word in unknown:
        if len(word) < 4:
            continue
        nearest = process.extractOne(terms.singular(word), sorted(known), scorer=fuzz.ratio, score_cutoff=ALIKE)
        if nearest:
            found[word] = terms.stem(nearest[0], spoken)
    return found


def _scores(wanted: Sequence[Wanted], fields: Sequence[dict[str, Counter[str]]], *, count: int) -> list[float]:
    if not fields:
        return []
    mean = {name: max(1.0, sum(sum(one[name].values()) for one in fields) / len(fields)) for name in FIELDS}
    found = [0.0] * len(fields)
    most = 0.0
    for one in wanted:
        weights = [_weight(one, document, mean) for document in fields]
        having = sum(1 for weight in weights if weight)
        rarity = math.log(1 + (count - having + 0.5) / (having + 0.5))
        most += rarity
        for position, weight in enumerate(weights):
            found[position] += rarity * one.worth * weight / (SATURATION + weight)
    return [value / most if most else 0.0 for value in found]


def _weight(one: Wanted, document: dict[str, Counter[str]], mean: dict[str, float]) -> float:
    weight = 0.0
    for name, (worth, by_length) in FIELDS.items():
        times = one.among(document[name])
        if times:
            length = sum(document[name].values())
            weight += worth * times / (1 - by_length + by_length * length / mean[name])
    return weight


def _hit(row: dict[str, Any], score: float, wanted: Sequence[Wanted], locale: str) -> Hit:
    return Hit(
        id=row["pk"],
        title=row["title"],
        slug=row["slug"],
        summary=row["summary"],
        locale=row["locale"],
        category=row["category__name"] or "",
        score=round(score, 4),
        passage=_passage(row, wanted, locale),
        text=row["text"],
    )


def _passage(row: dict[str, Any], wanted: Sequence[Wanted], locale: str) -> str:
    """The section whose words say most of the question; the summary, or the beginning, when none does."""
    best, most = "", 0.0
    for heading, body in sections(row["text"]):
        named, said = Counter(terms.tokens(heading, locale)), Counter(terms.tokens(body, locale))
        value = sum(
            one.worth * (2.0 * bool(one.among(named)) + bool(one.among(said)) + min(one.among(said), 3) / 10)
            for one in wanted
        )
        if value > most:
            best, most = body, value
    return best or row["summary"] or next((body for _, body in sections(row["text"])), "")


def sections(text: str) -> list[tuple[str, str]]:
    """Heading and words of each part of an article's plain text; parts of only a heading are left out."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for block in text.split("\n\n"):
        if block.startswith("# "):
            found.append((block[2:], []))
        else:
            found[-1][1].append(block)
    return [(heading, "\n\n".join(blocks)) for heading, blocks in found if blocks]


def snippet(hit: Hit) -> str:
    """Two lines for a list of results: the passage in one line, cut at a word."""
    words = " ".join(hit.passage.split())
    return words if len(words) <= SNIPPET else words[:SNIPPET].rsplit(" ", 1)[0] + "…"

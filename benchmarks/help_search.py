"""How often the retrieval bot finds the right article, against a plain `icontains` search, over the demo's help centres.

    bin/dev (or any PostgreSQL in DATABASE_URL), then: .venv/bin/python benchmarks/help_search.py

The labelled questions of `help_questions.toml` are typed the way people type: no accents, slips, other words than the
article's. Printed for each of the three businesses: recall@1 and recall@3 of `chat.queries.articles.search` and of the
baseline (every word of four letters or more by `icontains` over title and text, articles with the most words first);
then what a bot does at each threshold: share of the questions with an answer that it answers, share of its answers that
are right, and how many questions without an answer it answers nevertheless. The bookshop is held out: neither the
ranking nor the threshold was set with its questions.

Measured: see benchmarks/README.md.
"""

import argparse
import statistics
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import throwaway  # noqa: F401
from django.conf import settings
from django.core.management import call_command
from django.db.models import Q
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Article, Bot
from chat.queries import articles, terms
from chat.services.demo import shelves
from tenants.services import provisioning

HERE = Path(__file__).resolve().parent
BUSINESSES = {"bakery": "pt-br", "courses": "en", "books": "pt-br"}
THRESHOLDS = (20, 25, 30, 35, 40, 45, 50, 55, 60)


@dataclass
class Asked:
    """One question with what was found."""

    text: str
    wanted: str
    found: list[str]
    plain: list[str]
    score: float
    took_ms: float


def plain(text: str, *, locale: str) -> list[str]:
    """The baseline: words as they were typed, anywhere."""
    words = [word for word in terms.WORD.findall(text.lower()) if len(word) >= 4]
    counted: dict[str, int] = {}
    for word in words:
        rows = (
            Article.objects.published().filter(locale=locale).filter(Q(title__icontains=word) | Q(body__icontains=word))
        )
        for title in rows.values_list("title", flat=True):
            counted[title] = counted.get(title, 0) + 1
    return [title for title, _count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))]


def ask(trade: str, locale: str, rows: list[list[str]]) -> list[Asked]:
    """Every question of a business."""
    asked = []
    for text, wanted in rows:
        if wanted and not Article.objects.published().filter(title=wanted).exists():
            raise SystemExit(f"{trade}: no article is called {wanted!r}")
        began = time.perf_counter()
        hits = articles.search(text, locale=locale, limit=3)
        took = (time.perf_counter() - began) * 1000
        asked.append(
            Asked(
                text,
                wanted,
                [hit.title for hit in hits],
                plain(text, locale=locale)[:3],
                hits[0].score if hits else 0.0,
                took,
            )
        )
    return asked


def share(part: int, whole: int) -> str:
    """Percent, or a dash."""
    return f"{100 * part / whole:5.0f} %" if whole else "     –"


def main() -> None:
    """Make the three help centres, ask, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--misses", action="store_true", help="print the questions whose article was not first")
    wanted = options.parse_args()
    call_command("migrate", verbosity=0)
    labelled = tomllib.loads((HERE / "help_questions.toml").read_text(encoding="utf-8"))
    everything: dict[str, list[Asked]] = {}
    for trade, locale in BUSINESSES.items():
        tenant = provisioning.create(
            name=trade.title(),
            slug=f"bench-{trade}",
            owner=provisioning.Owner(f"owner@{trade}.example", "Owner", "a long password", ""),
            wait=True,
        )
        with tenant_context(tenant):
            owner: Any = None
            shelves.fill(trade=trade, language=locale, now=timezone.now(), people={"owner": owner})
            everything[trade] = ask(trade, locale, labelled[trade]["questions"])

    print(
        f"{'':10} {'questions':>9} {'recall@1':>10} {'recall@3':>10} {'icontains@1':>12} {'icontains@3':>12} {'median ms':>10}"
    )
    for trade, asked in [*everything.items(), ("all", [one for rows in everything.values() for one in rows])]:
        with_answer = [one for one in asked if one.wanted]
        count = len(with_answer)
        print(
            f"{trade:10} {count:9}"
            f" {share(sum(one.found[:1] == [one.wanted] for one in with_answer), count):>10}"
            f" {share(sum(one.wanted in one.found for one in with_answer), count):>10}"
            f" {share(sum(one.plain[:1] == [one.wanted] for one in with_answer), count):>12}"
            f" {share(sum(one.wanted in one.plain for one in with_answer), count):>12}"
            f" {statistics.median(one.took_ms for one in asked):10.1f}"
        )
    print(
        f"\n{'threshold':>9} | {'set with: answered':>18} {'right':>8} {'false':>8} | {'held out: answered':>18} {'right':>8} {'false':>8}"
    )
    set_with = everything["bakery"] + everything["courses"]
    for threshold in THRESHOLDS:
        cells = []
        for asked in (set_with, everything["books"]):
            sure = [one for one in asked if one.score >= threshold / 100]
            answered = [one for one in sure if one.wanted]
            right = sum(one.found[:1] == [one.wanted] for one in answered)
            with_answer = sum(bool(one.wanted) for one in asked)
            without = len(asked) - with_answer
            cells.append(
                f"{share(len(answered), with_answer):>18} {share(right, len(answered)):>8}"
                f" {share(len(sure) - len(answered), without):>8}"
            )
        mark = " ← the bot's default" if threshold == settings_default() else ""
        print(f"{threshold:9} | {cells[0]} | {cells[1]}{mark}")
    if wanted.misses:
        for trade, asked in everything.items():
            for one in asked:
                if one.wanted and one.found[:1] != [one.wanted]:
                    print(f"{trade}: {one.text!r} ({one.score:.2f}) → {one.found} instead of {one.wanted!r}")
                if not one.wanted and one.score >= 0.3:
                    print(f"{trade}: {one.text!r} ({one.score:.2f}) → {one.found[:1]} though nothing answers it")


def settings_default() -> int:
    """The threshold a new bot has."""
    return int(Bot._meta.get_field("threshold").default)


if __name__ == "__main__":
    assert settings.DEBUG
    main()

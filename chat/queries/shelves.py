"""What the public help centre shows: shelves, neighbours of an article, its other languages, and when any of it changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max

from chat.models import Article, Category
from chat.queries import articles

# One round trip: whether anything a page shows has changed since it was drawn.
STAMP = """
SELECT (SELECT coalesce(max(updated_at)::text, '') || '/' || count(*) FROM chat_article),
       (SELECT coalesce(max(updated_at)::text, '') || '/' || count(*) FROM chat_category)
"""
ON_A_CARD = 5
RELATED = 3


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category with its published articles in order."""

    category: Category | None
    articles: list[Article]

    @property
    def first(self) -> list[Article]:
        """As many as a card shows."""
        return self.articles[:ON_A_CARD]

    @property
    def more(self) -> int:
        """How many a card leaves out."""
        return max(0, len(self.articles) - ON_A_CARD)


def stamp() -> str:
    """Changes whenever an article or a category does."""
    with connection.cursor() as cursor:
        cursor.execute(STAMP)
        return "/".join(cursor.fetchone())


def languages() -> list[str]:
    """Languages with something to read, in the house's order."""
    have = set(Article.objects.published().values_list("locale", flat=True).distinct())
    return [code for code, _name in settings.LANGUAGES if code in have]


def language_for(*wanted: str) -> str:
    """The first wanted language with something to read, else any that has, else the first wanted."""
    have = languages()
    return next((one for one in wanted if one in have), have[0] if have else wanted[0])


def shelves(*, locale: str) -> list[Shelf]:
    """Every category with something to read, and what stands in none of them at the end."""
    rows = Article.objects.published().filter(locale=locale).select_related("category").in_order()
    rows = rows.only("title", "slug", "summary", "category", "edited_at")
    found: dict[Any, Shelf] = {}
    for row in rows:
        found.setdefault(row.category_id, Shelf(row.category, [])).articles.append(row)
    loose = found.pop(None, None)
    return [*found.values(), *([loose] if loose else [])]


def category(slug: str) -> Shelf | None:
    """One category with its published articles."""
    row = Category.objects.filter(slug=slug).first()
    if row is None:
        return None
    rows = Article.objects.published().filter(category=row).in_order()
    return Shelf(row, list(rows.only("title", "slug", "summary", "category", "edited_at")))


def article(slug: str) -> Article | None:
    """A published article by its address."""
    return Article.objects.published().select_related("category").filter(slug=slug).first()


def neighbours(row: Article) -> tuple[Article | None, Article | None]:
    """The articles before and after one on its shelf."""
    if row.category_id is None:
        return None, None
    rows = Article.objects.published().filter(category_id=row.category_id)
    shelf = list(rows.in_order().only("title", "slug", "category"))
    place = next((position for position, one in enumerate(shelf) if one.pk == row.pk), None)
    if place is None:
        return None, None
    return (shelf[place - 1] if place else None), (shelf[place + 1] if place + 1 < len(shelf) else None)


def related(row: Article) -> list[articles.Hit]:
    """Articles about the same things, whatever shelf they stand on."""
    found = articles.search(f"{row.title} {row.keywords}", locale=row.locale, limit=RELATED + 1)
    return [hit for hit in found if hit.id != row.pk][:RELATED]


def translations(row: Article) -> dict[str, str]:
    """Addresses of a published article by language, its own included."""
    rows = Article.objects.published().filter(group=row.group).order_by("locale")
    return dict(rows.values_list("locale", "slug"))


def category_translations(row: Category) -> dict[str, str]:
    """Addresses of a category by language, where something stands in it."""
    rows = Category.objects.filter(group=row.group, articles__state="published").order_by("locale").distinct()
    return dict(rows.values_list("locale", "slug"))


def addresses() -> Sequence[dict[str, Any]]:
    """Every public page for a sitemap: kind, slug, language, group and when it last changed."""
    pages: list[dict[str, Any]] = [
        {"kind": "article", "slug": slug, "locale": locale, "group": group, "at": at}
        for slug, locale, group, at in Article.objects.published()
        .order_by("pk")
        .values_list("slug", "locale", "group", "edited_at")
    ]
    pages += [
        {"kind": "category", "slug": slug, "locale": locale, "group": group, "at": at}
        for slug, locale, group, at in Category.objects.filter(articles__state="published")
        .annotate(at=Max("articles__edited_at"))
        .order_by("pk")
        .values_list("slug", "locale", "group", "at")
    ]
    return pages

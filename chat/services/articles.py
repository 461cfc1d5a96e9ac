"""The help centre's articles: written, published, put back to an earlier version, and judged by their readers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from chat.enums import ArticleState, QuestionSource, QuestionState
from chat.errors import AlreadyTranslated, ArticleChanged, ArticleEmpty
from chat.models import Article, ArticleFeedback, ArticleVersion, Category, QuestionGroup
from chat.queries import terms
from chat.services import article_pictures, markdown, questions
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, NotFound

# What a version keeps; the other fields say where an article stands, not what it says.
WORDS = ("title", "summary", "body")
CHANGEABLE = {*WORDS, "keywords", "category", "slug", "position"}
BODY_LIMIT = 60_000
FEEDBACK_LIMIT = 500


@transaction.atomic
def write(
    *,
    title: str,
    locale: str,
    by: Any = None,
    now: datetime | None = None,
    group: UUID | None = None,
    **fields: Any,
) -> Article:
    """Begin an article, as a draft. Raises `Invalid`."""
    now = now or timezone.now()
    if locale not in dict(settings.LANGUAGES):
        raise Invalid(_("Choose one of the listed languages."), field="locale")
    article = Article(locale=locale, author=by, edited_at=now, **({"group": group} if group else {}))
    _fill(article, {"title": title, **fields})
    article.version = 1
    article.save()
    _keep_version(article, by=by, now=now)
    audit.record("chat.article_created", by=by, on=article, now=now)
    return article


@transaction.atomic
def change(
    *, article: Article, by: Any = None, version: int | None = None, now: datetime | None = None, **fields: Any
) -> Article:
    """Change an article. With `version`, only when nobody else changed its words since.

    Raises `ArticleChanged`, `Invalid`.
    """
    now = now or timezone.now()
    article = _locked(article.pk)
    if version is not None and version != article.version:
        raise ArticleChanged()
    before = {name: getattr(article, name) for name in CHANGEABLE}
    _fill(article, fields)
    changed = sorted(name for name in CHANGEABLE if getattr(article, name) != before[name])
    if not changed:
        return article
    if any(name in WORDS for name in changed):
        article.version += 1
        article.edited_at = now
        _keep_version(article, by=by, now=now)
    if article.state == ArticleState.PUBLISHED:
        _refuse_empty(article)
    article.save()
    audit.record("chat.article_changed", by=by, on=article, detail={"fields": changed}, now=now)
    return article


@transaction.atomic
def publish(*, article: Article, by: Any = None, now: datetime | None = None) -> Article:
    """Let everybody read an article. Raises `ArticleEmpty`."""
    now = now or timezone.now()
    article = _locked(article.pk)
    if article.state == ArticleState.PUBLISHED:
        return article
    _refuse_empty(article)
    article.state, article.published_at = ArticleState.PUBLISHED, now
    article.save()
    audit.record("chat.article_published", by=by, on=article, now=now)
    return article


@transaction.atomic
def withdraw(*, article: Article, by: Any = None, now: datetime | None = None) -> Article:
    """Make a published article a draft again; its address answers 404 until it comes back."""
    article = _locked(article.pk)
    if article.state == ArticleState.PUBLISHED:
        article.state = ArticleState.DRAFT
        article.save()
        audit.record("chat.article_withdrawn", by=by, on=article, now=now)
    return article


@transaction.atomic
def delete(*, article: Article, by: Any = None, now: datetime | None = None) -> None:
    """Remove an article with its versions and its feedback."""
    article = _locked(article.pk)
    audit.record("chat.article_deleted", by=by, on=article, now=now)
    article.delete()


@transaction.atomic
def restore(*, article: Article, number: int, by: Any = None, now: datetime | None = None) -> Article:
    """Say again what an earlier version said, as a new version. Raises `NotFound`."""
    now = now or timezone.now()
    article = _locked(article.pk)
    earlier = article.versions.filter(number=number).first()
    if earlier is None:
        raise NotFound()
    if all(getattr(article, name) == getattr(earlier, name) for name in WORDS):
        return article
    _fill(article, {name: getattr(earlier, name) for name in WORDS})
    if article.state == ArticleState.PUBLISHED:
        _refuse_empty(article)
    article.version += 1
    article.edited_at = now
    article.save()
    _keep_version(article, by=by, now=now, restored_from=number)
    audit.record("chat.article_restored", by=by, on=article, detail={"version": number}, now=now)
    return article


@transaction.atomic
def translate(*, article: Article, locale: str, by: Any = None, now: datetime | None = None) -> Article:
    """Begin the article in another language: a draft with the words to be translated. Raises `AlreadyTranslated`."""
    article = _locked(article.pk)
    if Article.objects.filter(group=article.group, locale=locale).exists():
        raise AlreadyTranslated()
    shelf = Category.objects.filter(group=article.category.group, locale=locale).first() if article.category else None
    return write(
        title=article.title,
        summary=article.summary,
        keywords=article.keywords,
        body=article.body,
        position=article.position,
        category=shelf,
        locale=locale,
        group=article.group,
        by=by,
        now=now,
    )


@transaction.atomic
def rate(*, article: Article, helpful: bool, reader: str, words: str = "", now: datetime | None = None) -> None:
    """Keep what a reader thought; the same reader's later answer replaces the earlier one.

    Words under an article that did not help are a question for the writers.
    """
    now = now or timezone.now()
    words = " ".join(words.replace("\x00", "").split())[:FEEDBACK_LIMIT]
    article = _locked(article.pk)
    known = ArticleFeedback.objects.filter(article=article, reader=reader).first()
    kept, _made = ArticleFeedback.objects.update_or_create(
        article=article,
        reader=reader,
        defaults={
            "helpful": helpful,
            "words": words or (known.words if known else ""),
            "version": article.version,
        },
        create_defaults={
            "helpful": helpful,
            "words": words,
            "version": article.version,
            "created_at": now,
        },
    )
    Article.objects.filter(pk=article.pk).update(
        helpful=ArticleFeedback.objects.filter(article=article, helpful=True).count(),
        unhelpful=ArticleFeedback.objects.filter(article=article, helpful=False).count(),
    )
    if words and not helpful:
        questions.collect(
            text=words, locale=article.locale, source=QuestionSource.FEEDBACK, key=f"feedback:{kept.pk}", now=now
        )


@transaction.atomic
def begin_from(*, group: QuestionGroup, by: Any, now: datetime | None = None) -> Article:
    """Begin the article that answers these questions: the most asked one as its title, the others as words to find it
    by and as notes to the writer. The second time gives the article of the first.
    """
    group = QuestionGroup.objects.select_for_update().get(pk=group.pk)
    if group.article_id and group.article is not None:
        return group.article
    asked = list(group.questions.order_by("-asked_at", "-pk").values_list("text", flat=True)[:20])
    lines = "\n".join(f"- {text}" for text in dict.fromkeys(asked))
    body = _("Write the answer here.") + "\n\n## " + _("How people asked") + "\n\n" + lines
    stop = {word for text in [group.title] for word, _root in terms.content(text, group.locale)}
    others = dict.fromkeys(word for text in asked for word, _root in terms.content(text, group.locale))
    article = write(
        title=group.title[:1].upper() + group.title[1:160],
        locale=group.locale,
        body=body,
        keywords=", ".join(word for word in others if word not in stop)[:300].rsplit(",", 1)[0],
        by=by,
        now=now,
    )
    group.article, group.state = article, QuestionState.DRAFTED
    group.save(update_fields=["article", "state"])
    audit.record("chat.question_drafted", by=by, on=article, now=now)
    return article


# --- Categories ---------------------------------------------------------------------------------------

SHELF_FIELDS = {"name", "slug", "description", "icon", "position"}


@transaction.atomic
def add_category(
    *, name: str, locale: str, by: Any = None, group: UUID | None = None, now: datetime | None = None, **fields: Any
) -> Category:
    """Add a shelf, at the end unless it says where. Raises `Invalid`."""
    if locale not in dict(settings.LANGUAGES):
        raise Invalid(_("Choose one of the listed languages."), field="locale")
    if group and Category.objects.filter(group=group, locale=locale).exists():
        raise AlreadyTranslated(field="locale")
    last = Category.objects.filter(locale=locale).aggregate(last=Max("position"))["last"] or 0
    category = Category(locale=locale, **({"group": group} if group else {}))
    _fill_category(category, {"position": min(last + 10, 32_000), "name": name, **fields})
    category.save()
    audit.record("chat.article_category_created", by=by, on=category, now=now)
    return category


@transaction.atomic
def change_category(*, category: Category, by: Any = None, now: datetime | None = None, **fields: Any) -> Category:
    """Change a shelf. Raises `Invalid`."""
    _fill_category(category, fields)
    category.save()
    audit.record("chat.article_category_changed", by=by, on=category, detail={"fields": sorted(fields)}, now=now)
    return category


@transaction.atomic
def delete_category(*, category: Category, by: Any = None, now: datetime | None = None) -> None:
    """Remove a shelf; its articles stay, without one."""
    audit.record("chat.article_category_deleted", by=by, on=category, now=now)
    category.delete()


def _fill_category(category: Category, fields: dict[str, Any]) -> None:
    unknown = set(fields) - SHELF_FIELDS
    if unknown:
        raise TypeError(f"These are no fields of a category: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(category, name, value)
    if not category.name.strip():
        raise Invalid(_("Give it a name."), field="name")
    if "slug" in fields or not category.slug:
        category.slug = free_slug(
            slugify(fields.get("slug") or category.name)[:70],
            taken=lambda slug: Category.objects.filter(slug=slug).exclude(pk=category.pk).exists(),
            typed=bool(fields.get("slug")),
        )


# --- Inside -------------------------------------------------------------------------------------------


def _locked(key: UUID) -> Article:
    article = Article.objects.select_for_update(of=("self",)).select_related("category").filter(pk=key).first()
    if article is None:
        raise NotFound()
    return article


def _fill(article: Article, fields: dict[str, Any]) -> None:
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"These are no fields of an article: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(article, name, value.replace("\x00", "").strip() if isinstance(value, str) else value)
    article.body = article.body.replace("\r\n", "\n")
    if not article.title:
        raise Invalid(_("Give it a title."), field="title")
    if len(article.body) > BODY_LIMIT:
        raise Invalid(
            _("An article may have up to %(limit)s characters. Make two of it.") % {"limit": BODY_LIMIT}, field="body"
        )
    if article.category and article.category.locale != article.locale:
        raise Invalid(_("This category is of another language."), field="category")
    if "slug" in fields or not article.slug:
        typed = fields.get("slug", "")
        article.slug = free_slug(
            slugify(typed or article.title)[:150],
            taken=lambda slug: Article.objects.filter(slug=slug).exclude(pk=article.pk).exists(),
            typed=bool(typed),
        )
    made = markdown.render(article.body)
    article.body_html, article.toc, article.text = made.html, made.toc, made.text
    article.search_text = "\n".join((article.title, article.keywords, article.summary, article.text))


def free_slug(wanted: str, *, taken: Callable[[str], bool], typed: bool) -> str:
    """An address nobody has. One that a person typed is refused when it is taken; another gets a number."""
    wanted = wanted.strip("-") or "artigo"
    if not taken(wanted):
        return wanted
    if typed:
        raise Invalid(_("Another page has this address."), field="slug")
    return next(slug for number in range(2, 10_000) if not taken(slug := f"{wanted}-{number}"))


def _refuse_empty(article: Article) -> None:
    if not article.text.strip():
        raise ArticleEmpty(field="body")


def _keep_version(article: Article, *, by: Any, now: datetime, restored_from: int | None = None) -> None:
    article_pictures.note(article)
    ArticleVersion.objects.create(
        article=article,
        number=article.version,
        author=by,
        restored_from=restored_from,
        created_at=now,
        **{name: getattr(article, name) for name in WORDS},
    )

"""The help centre on the wire: articles, shelves, pictures, what a search found, and questions nobody answered."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from chat.api.asking import LOCALES
from chat.enums import ArticleState, CategoryIcon, QuestionSource, QuestionState
from chat.models import Article, Category, QuestionGroup
from chat.queries import articles as finding
from chat.services import articles
from ops.kernel.api import StrictSerializer


class ArticleSerializer(StrictSerializer):
    """An article of the help centre."""

    id = serializers.UUIDField()
    group = serializers.UUIDField(help_text="The same for all translations of an article.")
    locale = serializers.CharField()
    category = serializers.UUIDField(allow_null=True)
    title = serializers.CharField()
    slug = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    keywords = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True, help_text="Markdown.")
    body_html = serializers.CharField(allow_blank=True, help_text="Safe to show.")
    state = serializers.ChoiceField(choices=ArticleState.choices)
    version = serializers.IntegerField()
    position = serializers.IntegerField()
    helpful = serializers.IntegerField()
    unhelpful = serializers.IntegerField()
    url = serializers.CharField(help_text="Path of the public page.")
    published_at = serializers.DateTimeField(allow_null=True)
    edited_at = serializers.DateTimeField()

    def to_representation(self, row: Any) -> dict[str, Any]:
        """A row as it is told."""
        return {
            "id": str(row.pk),
            "group": str(row.group),
            "locale": row.locale,
            "category": str(row.category_id) if row.category_id else None,
            "title": row.title,
            "slug": row.slug,
            "summary": row.summary,
            "keywords": row.keywords,
            "body": row.body,
            "body_html": row.body_html,
            "state": row.state,
            "version": row.version,
            "position": row.position,
            "helpful": row.helpful,
            "unhelpful": row.unhelpful,
            "url": reverse("chat:help-article", args=[row.slug]),
            "published_at": row.published_at.isoformat() if row.published_at else None,
            "edited_at": row.edited_at.isoformat(),
        }


class ArticleWriteSerializer(StrictSerializer):
    """What a writer sends. `version` is the one they began from: somebody else's change since then is a 409."""

    title = serializers.CharField(max_length=160)
    locale = serializers.CharField(max_length=8, help_text="`pt-br` or `en`.")
    category = serializers.UUIDField(required=False, allow_null=True)
    slug = serializers.CharField(max_length=150, required=False)
    summary = serializers.CharField(max_length=300, required=False, allow_blank=True)
    keywords = serializers.CharField(max_length=300, required=False, allow_blank=True)
    body = serializers.CharField(max_length=articles.BODY_LIMIT, required=False, allow_blank=True)
    position = serializers.IntegerField(min_value=0, max_value=32_000, required=False)
    version = serializers.IntegerField(min_value=1, required=False)


class ArticlePatchSerializer(ArticleWriteSerializer):
    """What may change later: everything but the language."""

    locale = None  # type: ignore[assignment]


class VersionSerializer(StrictSerializer):
    """What an article said once."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_null=True)
    restored_from = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()

    def to_representation(self, row: Any) -> dict[str, Any]:
        """A row as it is told."""
        return {
            "number": row.number,
            "title": row.title,
            "summary": row.summary,
            "body": row.body,
            "author": str(row.author) if row.author_id else None,
            "restored_from": row.restored_from,
            "created_at": row.created_at.isoformat(),
        }


class RestoreSerializer(StrictSerializer):
    """Which version to put back."""

    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class FoundSerializer(StrictSerializer):
    """An article that a search found."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    excerpt = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    locale = serializers.CharField()
    slug = serializers.CharField()
    url = serializers.CharField(help_text="Path of the public page.")


class FoundListSerializer(StrictSerializer):
    """Results, best first."""

    results = FoundSerializer(many=True)


class ReadArticleSerializer(FoundSerializer):
    """An article to read inside the chat."""

    body_html = serializers.CharField(allow_blank=True)
    related = FoundSerializer(many=True)


class CategorySerializer(serializers.ModelSerializer):
    """A shelf of articles."""

    locale = serializers.CharField(read_only=True)

    class Meta:
        model = Category
        fields = ["id", "group", "locale", "name", "slug", "description", "icon", "position"]
        read_only_fields = fields


class CategoryWriteSerializer(StrictSerializer):
    """What a writer says about a shelf; a new one stands at the end."""

    name = serializers.CharField(max_length=80)
    locale = serializers.CharField(max_length=8, help_text="`pt-br` or `en`.")
    group = serializers.UUIDField(required=False, help_text="Of the shelf this one is a translation of.")
    slug = serializers.CharField(max_length=70, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    icon = serializers.ChoiceField(choices=CategoryIcon.choices, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32_000, required=False)


class CategoryPatchSerializer(CategoryWriteSerializer):
    """What may change later: everything but the language."""

    locale = None  # type: ignore[assignment]
    group = None  # type: ignore[assignment]


class UnansweredQuestionSerializer(StrictSerializer):
    """Questions that ask the same and found no answer."""

    id = serializers.UUIDField()
    title = serializers.CharField(help_text="The one that was asked first.")
    locale = serializers.CharField()
    count = serializers.IntegerField(help_text="Times asked.")
    state = serializers.ChoiceField(choices=QuestionState.choices)
    article = serializers.UUIDField(allow_null=True, help_text="The one that was begun to answer them.")
    sources = serializers.ListField(child=serializers.ChoiceField(choices=QuestionSource.choices))
    others = serializers.ListField(child=serializers.CharField(), help_text="How else it was asked, the last ten.")
    first_asked_at = serializers.DateTimeField()
    last_asked_at = serializers.DateTimeField()

    def to_representation(self, row: QuestionGroup) -> dict[str, Any]:
        """A group as it is told. Needs `questions`, the newest first."""
        texts = dict.fromkeys(one.text for one in row.questions.all())
        return {
            "id": str(row.pk),
            "title": row.title,
            "locale": row.locale,
            "count": row.count,
            "state": row.state,
            "article": str(row.article_id) if row.article_id else None,
            "sources": sorted({one.source for one in row.questions.all()}),
            "others": [text for text in texts if text != row.title][:10],
            "first_asked_at": row.first_asked_at.isoformat(),
            "last_asked_at": row.last_asked_at.isoformat(),
        }


class TranslateSerializer(StrictSerializer):
    """Into which language."""

    locale = serializers.ChoiceField(choices=LOCALES)


class PictureSerializer(StrictSerializer):
    """A picture for an article."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Path that never changes; public once an article with it is published.")
    alt = serializers.CharField(allow_blank=True)
    markdown = serializers.CharField(help_text="As it stands in a text.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)


def found(hit: finding.Hit) -> dict[str, Any]:
    """A result as it is told."""
    return {
        "id": str(hit.id),
        "title": hit.title,
        "excerpt": finding.snippet(hit),
        "category": hit.category,
        "locale": hit.locale,
        "slug": hit.slug,
        "url": reverse("chat:help-article", args=[hit.slug]),
    }


def listed(row: Article) -> dict[str, Any]:
    """An article of a shelf, in the same form."""
    return {
        "id": str(row.pk),
        "title": row.title,
        "excerpt": row.summary,
        "category": row.category.name if row.category else "",
        "locale": row.locale,
        "slug": row.slug,
        "url": reverse("chat:help-article", args=[row.slug]),
    }

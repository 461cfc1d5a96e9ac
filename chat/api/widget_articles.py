"""Articles of the help centre inside the widget: found before somebody writes, read without leaving."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.widget import ORIGINS, StrangerThrottle, StrangerView
from chat.models import Article
from chat.queries import articles, shelves
from chat.services import helpcentre
from ops.kernel.api import StrictSerializer
from ops.kernel.errors import NotFound

SHOWN = 6
LANGUAGES = {code for code, _name in settings.LANGUAGES}


class FoundArticleSerializer(StrictSerializer):
    """An article in a list."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    excerpt = serializers.CharField(allow_blank=True)
    url = serializers.CharField(help_text="Its page in the help centre.")


class FoundArticlesSerializer(StrictSerializer):
    """What answers best, first."""

    results = FoundArticleSerializer(many=True)


class ReadArticleSerializer(FoundArticleSerializer):
    """An article to read."""

    body_html = serializers.CharField(help_text="Safe to show.")


class ReaderThrottle(StrangerThrottle):
    """People type while results change."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Two a second."""
        return f"widget:articles:{request.META.get('REMOTE_ADDR', '')}", 120, 60


class ArticlesView(StrangerView):
    """Finding."""

    throttle_classes = (ReaderThrottle,)

    @extend_schema(
        operation_id="widget_articles_list",
        parameters=[
            ORIGINS,
            OpenApiParameter(
                "q", OpenApiTypes.STR, description="What somebody is typing; empty gives what helped most."
            ),
            OpenApiParameter("locale", OpenApiTypes.STR),
        ],
        responses={200: FoundArticlesSerializer},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        """Articles that answer a question, in the visitor's language where there are any."""
        self.inbox(request)
        text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        locale = shelves.language_for(request.GET.get("locale", "").lower()[:12], request.tenant.language)
        locale = locale if locale in LANGUAGES else settings.LANGUAGE_CODE
        found: list[tuple[Any, str, str, str]] = []
        if not helpcentre.shown(locale).enabled:
            pass
        elif text:
            found = [
                (hit.id, hit.slug, hit.title, articles.snippet(hit))
                for hit in articles.search(text, locale=locale, limit=SHOWN, typing=True)
            ]
        else:
            rows = Article.objects.published().filter(locale=locale).order_by("-helpful", "position", "pk")[:SHOWN]
            found = [(row.pk, row.slug, row.title, row.summary) for row in rows]
        return Response(
            {
                "results": [
                    {"id": str(key), "slug": slug, "title": title, "excerpt": excerpt, "url": _page(slug)}
                    for key, slug, title, excerpt in found
                ]
            }
        )


class ArticleView(StrangerView):
    """Reading."""

    throttle_classes = (ReaderThrottle,)

    @extend_schema(
        operation_id="widget_articles_retrieve",
        parameters=[ORIGINS, OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={200: ReadArticleSerializer},
        auth=[],
    )
    def get(self, request: Request, slug: str) -> Response:
        """One published article."""
        self.inbox(request)
        row = shelves.article(slug)
        if row is None or not helpcentre.shown(row.locale).enabled:
            raise NotFound
        return Response(
            {
                "id": str(row.pk),
                "slug": row.slug,
                "title": row.title,
                "excerpt": row.summary,
                "url": _page(row.slug),
                "body_html": row.body_html,
            }
        )


def _page(slug: str) -> str:
    return reverse("chat:help-article", args=[slug])

"""The help centre inside the website chat."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.asking import LOCALE, MOST_FOUND, Q, asked
from chat.api.help_serializers import FoundListSerializer, ReadArticleSerializer, found, listed
from chat.api.widget import ORIGINS, StrangerView
from chat.models import Article
from chat.queries import articles as finding
from chat.queries import shelves
from chat.services import helpcentre
from ops.kernel import errors


class WidgetArticlesView(StrangerView):
    """The help centre inside the chat."""

    @extend_schema(
        operation_id="widget_articles_list", parameters=[ORIGINS, Q, LOCALE], responses={200: FoundListSerializer}
    )
    def get(self, request: Request) -> Response:
        """What answers a question; without one, what stands first on the shelves."""
        self.inbox(request)
        text, locale = asked(request)
        if not helpcentre.shown(locale).enabled:
            return Response({"results": []})
        if text:
            tenant: Any = request._request.tenant  # type: ignore[attr-defined]
            # Few translate everything: what the house's own language knows is better than nothing.
            for language in dict.fromkeys((locale, tenant.language)):
                hits = finding.search(text, locale=language, limit=MOST_FOUND, typing=True)
                if hits:
                    break
            return Response({"results": [found(hit) for hit in hits]})
        rows = Article.objects.published().filter(locale=locale).select_related("category").in_order()[:6]
        return Response({"results": [listed(row) for row in rows]})


class WidgetArticleView(StrangerView):
    """One article inside the chat."""

    @extend_schema(
        operation_id="widget_articles_retrieve",
        parameters=[ORIGINS, OpenApiParameter("article_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={200: ReadArticleSerializer},
    )
    def get(self, request: Request, article_id: Any) -> Response:
        """Its words, and what is near it."""
        self.inbox(request)
        row = Article.objects.published().select_related("category").filter(pk=article_id).first()
        if row is None or not helpcentre.shown(row.locale).enabled:
            raise errors.NotFound
        related = [found(hit) for hit in shelves.related(row)]
        return Response({**listed(row), "body_html": row.body_html, "related": related})

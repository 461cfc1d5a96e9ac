"""Articles, their shelves and pictures, and what readers missed, for agents and writers."""

from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api.asking import LOCALE, MOST_FOUND, Q, asked
from chat.api.help_serializers import (
    ArticlePatchSerializer,
    ArticleSerializer,
    ArticleWriteSerializer,
    CategoryPatchSerializer,
    CategorySerializer,
    CategoryWriteSerializer,
    FoundListSerializer,
    PictureSerializer,
    RestoreSerializer,
    TranslateSerializer,
    UnansweredQuestionSerializer,
    VersionSerializer,
    found,
)
from chat.enums import ArticleState, AttachmentKind, QuestionState
from chat.errors import FileTooLarge
from chat.models import Article, ArticleVersion, Category, QuestionGroup, UnansweredQuestion
from chat.models.search import Matches, words
from chat.queries import articles as finding
from chat.services import article_pictures, articles, attachments, questions
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions


class ArticleFilter(django_filters.FilterSet):
    """Narrow the list."""

    q = django_filters.CharFilter(method="search", label="Words of title, other words, summary or text.")
    state = django_filters.ChoiceFilter(choices=ArticleState.choices)
    locale = django_filters.CharFilter(label="`pt-br` or `en`.")
    category = django_filters.UUIDFilter(field_name="category_id")

    class Meta:
        model = Article
        fields = ["q", "state", "locale", "category"]

    def search(self, queryset: Any, name: str, value: str) -> Any:
        """Accents, case and plurals aside."""
        wanted = words(value)
        return queryset.none() if wanted is None else queryset.filter(Matches("search_text", wanted))


class ArticleViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Article]):
    """Articles of the help centre, drafts included."""

    queryset = Article.objects.none()
    serializer_class = ArticleSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_article",
        "retrieve": "chat.view_article",
        "search": "chat.view_article",
        "versions": "chat.view_article",
        "create": "chat.manage_article",
        "partial_update": "chat.manage_article",
        "destroy": "chat.manage_article",
        "publish": "chat.manage_article",
        "withdraw": "chat.manage_article",
        "restore": "chat.manage_article",
        "translate": "chat.manage_article",
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = ArticleFilter
    ordering_fields = ("edited_at", "title", "position")
    ordering = ("-edited_at",)

    def get_queryset(self) -> QuerySet[Article]:
        """Every article of the tenant."""
        return Article.objects.all()

    def _shelf(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The sent values with the category itself in place of its id."""
        if "category" in sent and sent["category"] is not None:
            shelf = Category.objects.filter(pk=sent["category"]).first()
            if shelf is None:
                raise errors.Invalid(field="category")
            sent["category"] = shelf
        return sent

    @extend_schema(request=ArticleWriteSerializer, responses={201: ArticleSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin an article, as a draft."""
        sent = ArticleWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = self._shelf(dict(sent.validated_data))
        values.pop("version", None)
        article = articles.write(by=request.user, now=timezone.now(), **values)
        return Response(ArticleSerializer(article).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ArticlePatchSerializer, responses={200: ArticleSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an article."""
        sent = ArticlePatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        article = articles.change(
            article=self.get_object(), by=request.user, now=timezone.now(), **self._shelf(dict(sent.validated_data))
        )
        return Response(ArticleSerializer(article).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an article with its versions."""
        articles.delete(article=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: ArticleSerializer})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let everybody read it."""
        article = articles.publish(article=self.get_object(), by=request.user, now=timezone.now())
        return Response(ArticleSerializer(article).data)

    @extend_schema(request=None, responses={200: ArticleSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make it a draft again."""
        article = articles.withdraw(article=self.get_object(), by=request.user, now=timezone.now())
        return Response(ArticleSerializer(article).data)

    @extend_schema(responses={200: VersionSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-number",), ordering_fields=())
    def versions(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What it said, newest first."""
        article = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
        if article is None:
            raise errors.NotFound
        rows = ArticleVersion.objects.filter(article=article).select_related("author")
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(request=RestoreSerializer, responses={200: ArticleSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say again what an earlier version said."""
        sent = RestoreSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        article = articles.restore(
            article=self.get_object(), number=sent.validated_data["number"], by=request.user, now=timezone.now()
        )
        return Response(ArticleSerializer(article).data)

    @extend_schema(request=TranslateSerializer, responses={201: ArticleSerializer})
    @action(detail=True, methods=["post"])
    def translate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin the article in another language, as a draft that belongs to the same group."""
        sent = TranslateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = articles.translate(
            article=self.get_object(), locale=sent.validated_data["locale"], by=request.user, now=timezone.now()
        )
        return Response(ArticleSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[Q, LOCALE], responses={200: FoundListSerializer}, filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def search(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Published articles that answer a question, best first: what a composer offers and the bot would say."""
        text, locale = asked(request)
        hits = finding.search(text, locale=locale, limit=MOST_FOUND, typing=True)
        return Response({"results": [found(hit) for hit in hits]})


class CategoryViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Category]):
    """Shelves of articles."""

    queryset = Category.objects.none()
    serializer_class = CategorySerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_article",
        "retrieve": "chat.view_article",
        "create": "chat.manage_article",
        "partial_update": "chat.manage_article",
        "destroy": "chat.manage_article",
    }
    filter_backends = ()
    ordering = ("position",)

    def get_queryset(self) -> QuerySet[Category]:
        """Every shelf of the tenant."""
        return Category.objects.order_by("position", "pk")

    @extend_schema(request=CategoryWriteSerializer, responses={201: CategorySerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a shelf."""
        sent = CategoryWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        category = articles.add_category(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(CategorySerializer(category).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CategoryPatchSerializer, responses={200: CategorySerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a shelf."""
        sent = CategoryPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        category = articles.change_category(
            category=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data
        )
        return Response(CategorySerializer(category).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a shelf; its articles stay, without one."""
        articles.delete_category(category=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class QuestionFilter(django_filters.FilterSet):
    """Narrow the list."""

    state = django_filters.ChoiceFilter(choices=QuestionState.choices)
    locale = django_filters.CharFilter(label="`pt-br` or `en`.")

    class Meta:
        model = QuestionGroup
        fields = ["state", "locale"]


class QuestionViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[QuestionGroup]):
    """What people asked and nobody wrote about yet."""

    queryset = QuestionGroup.objects.none()
    serializer_class = UnansweredQuestionSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_article",
        "retrieve": "chat.view_article",
        "dismiss": "chat.manage_article",
        "reopen": "chat.manage_article",
        "draft": "chat.manage_article",
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = QuestionFilter
    ordering_fields = ("count", "last_asked_at")
    ordering = ("-count",)

    def get_queryset(self) -> QuerySet[QuestionGroup]:
        """Every group of questions."""
        newest = Prefetch("questions", UnansweredQuestion.objects.order_by("-asked_at", "-pk"))
        return QuestionGroup.objects.prefetch_related(newest)

    def _moved(self, request: Request, state: QuestionState) -> Response:
        questions.set_state(group=self.get_object(), state=state, by=request.user, now=timezone.now())
        return Response(UnansweredQuestionSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: UnansweredQuestionSerializer})
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """They need no article."""
        return self._moved(request, QuestionState.DISMISSED)

    @extend_schema(request=None, responses={200: UnansweredQuestionSerializer})
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take them up again."""
        return self._moved(request, QuestionState.OPEN)

    @extend_schema(request=None, responses={200: ArticleSerializer})
    @action(detail=True, methods=["post"])
    def draft(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin the article that answers them; a second time answers the one that was begun."""
        article = articles.begin_from(group=self.get_object(), by=request.user, now=timezone.now())
        return Response(ArticleSerializer(article).data)


class PictureView(APIView):
    """Pictures of articles."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"put": "chat.manage_article"}

    @extend_schema(
        operation_id="chat_articles_pictures_upload",
        parameters=[
            OpenApiParameter("name", OpenApiTypes.STR, description="What the file is called."),
            OpenApiParameter("alt", OpenApiTypes.STR, description="What is on it, for people who do not see it."),
        ],
        request={"image/*": OpenApiTypes.BINARY},
        responses={201: PictureSerializer},
    )
    def put(self, request: Request) -> Response:
        """Send a picture: PNG, JPEG, WebP or GIF, as its bytes tell. It loses the place it was taken at."""
        limit = attachments.limits()[AttachmentKind.IMAGE]
        raw = request._request.read(limit + 1)
        if len(raw) > limit:
            raise FileTooLarge(limit=limit // attachments.MB)
        words = {name: request.query_params.get(name, "").replace("\x00", "") for name in ("name", "alt")}
        row = article_pictures.add(raw=raw, by=request.user, now=timezone.now(), **words)
        return Response(
            {
                "id": str(row.pk),
                "url": article_pictures.address(row),
                "alt": row.alt,
                "markdown": article_pictures.markdown(row),
                "width": row.attachment.width,
                "height": row.attachment.height,
            },
            status=status.HTTP_201_CREATED,
        )

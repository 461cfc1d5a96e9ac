"""Articles over the API: for agents and writers, and for the widget; bots and the door of their programs."""

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api.widget import ORIGINS, StrangerView
from chat.enums import ArticleState, AttachmentKind, BotHours, BotKind
from chat.errors import FileTooLarge
from chat.models import Article, ArticleVersion, Bot, Category, Inbox
from chat.models.search import Matches, words
from chat.queries import articles as finding
from chat.queries import shelves
from chat.services import article_pictures, articles, attachments, helpcentre
from chat.services.bots import programs, setup
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin, RateThrottle, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

MOST_FOUND = 20
LOCALES = [code for code, _name in settings.LANGUAGES]
Q = OpenApiParameter("q", OpenApiTypes.STR, description="A question, or the beginning of a word.")
LOCALE = OpenApiParameter("locale", OpenApiTypes.STR, description="`pt-br` or `en`.")


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


class BotSerializer(StrictSerializer):
    """A bot. Its secret is shown on its settings page only."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=BotKind.choices, required=False)
    active = serializers.BooleanField(required=False)
    locale = serializers.CharField(max_length=8, required=False, allow_blank=True, help_text="Empty takes the inbox's.")
    hours = serializers.ChoiceField(choices=BotHours.choices, required=False)
    greeting = serializers.CharField(max_length=600, required=False, allow_blank=True)
    miss_text = serializers.CharField(max_length=600, required=False, allow_blank=True)
    handoff_text = serializers.CharField(max_length=600, required=False, allow_blank=True)
    away_text = serializers.CharField(max_length=600, required=False, allow_blank=True)
    threshold = serializers.IntegerField(min_value=5, max_value=95, required=False)
    max_misses = serializers.IntegerField(min_value=1, max_value=10, required=False)
    keywords = serializers.ListField(child=serializers.CharField(max_length=60), max_length=30, required=False)
    resolve_when_helped = serializers.BooleanField(required=False)
    flow = serializers.DictField(required=False)
    instructions = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    webhook_url = serializers.URLField(max_length=500, required=False, allow_blank=True)
    inboxes = serializers.ListField(child=serializers.UUIDField(), max_length=100, required=False)

    def to_representation(self, row: Any) -> dict[str, Any]:
        """A row as it is told."""
        names = [str(name) for name in self.fields.keys() if name not in {"id", "inboxes"}]  # noqa: SIM118 — a mapping of its own
        return {
            "id": str(row.pk),
            **{name: getattr(row, name) for name in names},
            "inboxes": sorted(str(inbox.pk) for inbox in row.inboxes.all()),
        }


class HookSerializer(StrictSerializer):
    """What a program wants done in a conversation of its bot."""

    conversation = serializers.UUIDField()
    action = serializers.ChoiceField(choices=["reply", "handoff", "resolve"], required=False)
    body = serializers.CharField(max_length=8000, required=False, allow_blank=True)
    quick_replies = serializers.ListField(
        child=serializers.JSONField(), required=False, max_length=10, help_text="Texts, or `{id, label}`."
    )


class HookAnswerSerializer(StrictSerializer):
    """Whether it was done: not when a person has the conversation by now."""

    done = serializers.BooleanField()
    message = serializers.UUIDField(allow_null=True, required=False)
    reason = serializers.CharField(required=False)


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


def asked(request: Request) -> tuple[str, str]:
    """Question and language of a request. Raises `Invalid` for a language that is none of ours."""
    locale = request.query_params.get("locale", "")
    if locale and locale not in LOCALES:
        raise errors.Invalid(field="locale")
    tenant: Any = request._request.tenant  # type: ignore[attr-defined]
    text = request.query_params.get("q", "").replace("\x00", "").strip()[:300]
    return text, shelves.language_for(*([locale] if locale else []), tenant.language)


# --- Agents and writers ---------------------------------------------------------------------------------


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

    @extend_schema(parameters=[Q, LOCALE], responses={200: FoundListSerializer}, filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def search(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Published articles that answer a question, best first: what a composer offers and the bot would say."""
        text, locale = asked(request)
        hits = finding.search(text, locale=locale, limit=MOST_FOUND, typing=True)
        return Response({"results": [found(hit) for hit in hits]})


class CategoryViewSet(mixins.ListModelMixin, GenericViewSet[Category]):
    """Shelves of articles."""

    queryset = Category.objects.none()
    serializer_class = CategorySerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {"list": "chat.view_article"}
    filter_backends = ()
    ordering = ("position",)

    def get_queryset(self) -> QuerySet[Category]:
        """Every shelf of the tenant."""
        return Category.objects.order_by("position", "pk")


class BotViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Bot]):
    """Bots."""

    queryset = Bot.objects.none()
    serializer_class = BotSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), "chat.manage_bot")
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[Bot]:
        """Every bot of the tenant."""
        return Bot.objects.prefetch_related("inboxes")

    def _stands(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The sent values with inboxes in place of their ids."""
        if "inboxes" in sent:
            wanted = set(sent["inboxes"])
            rows = list(Inbox.objects.filter(pk__in=wanted))
            if len(rows) != len(wanted):
                raise errors.Invalid(field="inboxes")
            sent["inboxes"] = rows
        return sent

    @extend_schema(request=BotSerializer, responses={201: BotSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a bot."""
        sent = BotSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        bot = setup.create(by=request.user, now=timezone.now(), **self._stands(dict(sent.validated_data)))
        return Response(BotSerializer(bot).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BotSerializer, responses={200: BotSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a bot."""
        sent = BotSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        bot = setup.change(
            bot=self.get_object(), by=request.user, now=timezone.now(), **self._stands(dict(sent.validated_data))
        )
        return Response(BotSerializer(self.get_queryset().get(pk=bot.pk)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a bot; conversations that wait for it come to the queue."""
        setup.delete(bot=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- Widget ---------------------------------------------------------------------------------------------


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
            hits = finding.search(text, locale=locale, limit=MOST_FOUND, typing=True)
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


# --- The door of programs -------------------------------------------------------------------------------


class ProgramThrottle(RateThrottle):
    """By bot: a program that runs wild is told to wait."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Ten a second."""
        return f"bot:{view.kwargs.get('bot_id')}", 600, 60


class BotHookView(APIView):
    """`POST /hooks/bot/<id>/`: what the program behind a bot says. Signed as Standard Webhooks says, with the bot's secret."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ProgramThrottle,)

    @extend_schema(
        operation_id="hooks_bot",
        parameters=[
            OpenApiParameter("bot_id", OpenApiTypes.UUID, OpenApiParameter.PATH),
            OpenApiParameter("webhook-id", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("webhook-timestamp", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("webhook-signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
        ],
        request=HookSerializer,
        responses={200: HookAnswerSerializer},
    )
    def post(self, request: Request, bot_id: Any) -> Response:
        """Reply, call a person, or resolve. The same `webhook-id` again does nothing more."""
        now = timezone.now()
        key = request.headers.get("webhook-id", "")
        bot = programs.bot_behind(
            bot_id=bot_id,
            key=key,
            timestamp=request.headers.get("webhook-timestamp", ""),
            given=request.headers.get("webhook-signature", ""),
            body=request._request.body,
            now=now,
        )
        sent = HookSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(programs.act(bot=bot, key=key, asked=dict(sent.validated_data), now=now))


class PictureSerializer(StrictSerializer):
    """A picture for an article."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Path that never changes; public once an article with it is published.")
    alt = serializers.CharField(allow_blank=True)
    markdown = serializers.CharField(help_text="As it stands in a text.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)


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

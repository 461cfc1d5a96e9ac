"""Bots, and the door of the programs behind them."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api.asking import Q, question
from chat.api.help_serializers import FoundSerializer, found
from chat.enums import BotHours, BotKind
from chat.models import Bot, Inbox
from chat.queries import articles as finding
from chat.services.bots import programs, setup
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin, RateThrottle, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

MOST_TRIED = 5


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


class TriedArticleSerializer(FoundSerializer):
    """An article the bot found, and how sure it is."""

    score = serializers.IntegerField(help_text="How much of the question it answers, 0 to 100.")
    answers = serializers.BooleanField(help_text="Whether that is enough for this bot.")


class TriedArticlesSerializer(StrictSerializer):
    """Best first."""

    results = TriedArticleSerializer(many=True)


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


class BotViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Bot]):
    """Bots."""

    queryset = Bot.objects.none()
    serializer_class = BotSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "destroy", "try_out"), "chat.manage_bot"
    )
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

    @extend_schema(parameters=[Q], responses={200: TriedArticlesSerializer}, filters=False)
    @action(detail=True, url_path="try", pagination_class=None)
    def try_out(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the bot would find for a question, without asking it in a conversation."""
        bot, text = self.get_object(), question(request)
        tenant: Any = request._request.tenant  # type: ignore[attr-defined]
        hits = finding.search(text, locale=bot.locale or tenant.language, limit=MOST_TRIED) if text else []
        rows = [
            {**found(hit), "score": round(hit.score * 100), "answers": hit.score * 100 >= bot.threshold} for hit in hits
        ]
        return Response({"results": rows})


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

"""Rules that act by themselves, and macros that act at a click, over the API."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api import numbers
from chat.api.automation_serializers import (
    DryRunResultSerializer,
    DryRunSerializer,
    LanguageSerializer,
    MacroRunResultSerializer,
    MacroRunSerializer,
    MacroSerializer,
    MacroWriteSerializer,
    RuleSerializer,
    RuleWriteSerializer,
    RunSerializer,
)
from chat.models import AutomationRule, Macro
from chat.queries import inbox as list_queries
from chat.services import automation, macros, rulebook
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
UUIDS = "[0-9a-fA-F-]{32,36}"


class MacroViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Macro]):
    """Macros: the team's, and one's own."""

    queryset = Macro.objects.none()
    serializer_class = MacroSerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = {
        "list": "chat.reply_conversation",
        "retrieve": "chat.reply_conversation",
        "create": "chat.reply_conversation",
        "partial_update": "chat.reply_conversation",
        "destroy": "chat.reply_conversation",
        "run": "chat.reply_conversation",
    }
    filter_backends = ()
    ordering = ("name",)

    def get_queryset(self) -> QuerySet[Macro]:
        """What this person may run."""
        return Macro.objects.usable_by(self.request.user).select_related("owner").order_by("name", "pk")

    @extend_schema(request=MacroWriteSerializer, responses={201: MacroSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a macro. `shared` needs the permission to set up macros."""
        sent = MacroWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = macros.create(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(MacroSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=MacroWriteSerializer, responses={200: MacroSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a macro."""
        sent = MacroWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        row = macros.change(macro=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(MacroSerializer(row).data)

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a macro."""
        macros.delete(macro=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ID], request=MacroRunSerializer, responses={200: MacroRunResultSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do the steps to a conversation, in the caller's name. Says how each went; one refusal stops none of the others."""
        sent = MacroRunSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = numbers.conversation_of(request, sent.validated_data["conversation"])
        results = macros.run(macro_id=self.get_object().pk, conversation_id=row.pk, by=request.user, now=timezone.now())
        return Response({"results": results})


class AutomationViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[AutomationRule]
):
    """Rules: when something happens, and conditions hold, things are done by themselves."""

    queryset = AutomationRule.objects.none()
    serializer_class = RuleSerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "destroy", "dry_run", "runs", "language"), "chat.manage_flow"
    )
    filter_backends = ()
    ordering = ("position",)

    def get_queryset(self) -> QuerySet[AutomationRule]:
        """Every rule, in the order they run."""
        return AutomationRule.objects.order_by("position", "pk")

    @extend_schema(request=RuleWriteSerializer, responses={201: RuleSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a rule."""
        sent = RuleWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = automation.create(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(RuleSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=RuleWriteSerializer, responses={200: RuleSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a rule."""
        sent = RuleWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        row = automation.change(rule=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(RuleSerializer(row).data)

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a rule and the log of its runs."""
        automation.delete(rule=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ID], request=DryRunSerializer, responses={200: DryRunResultSerializer})
    @action(detail=True, methods=["post"], url_path="dry-run", pagination_class=None)
    def dry_run(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the rule would do to one conversation, or to the newest fifty, without doing it."""
        sent = DryRunSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        number = sent.validated_data.get("conversation")
        if number is not None:
            rows = [numbers.conversation_of(request, number)]
        else:
            newest = list_queries.page(user=request.user).order_by("-last_activity_at", "-pk")
            rows = list(newest[: automation.TRIED])
        tried = automation.try_on(rule=self.get_object(), conversations=rows, now=timezone.now())
        return Response({"tried": len(tried), "matched": sum(one["matches"] for one in tried), "results": tried})

    @extend_schema(parameters=[ID], responses={200: RunSerializer(many=True)})
    @action(detail=True, ordering=("-at",))
    def runs(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The log of the last thirty days, newest first."""
        rule = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        page: Any = self.paginate_queryset(rule.runs.select_related("conversation"))  # type: ignore[arg-type]
        return self.get_paginated_response(RunSerializer(page, many=True).data)

    @extend_schema(responses={200: LanguageSerializer})
    @action(detail=False, pagination_class=None)
    def language(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What conditions can ask and actions can do, with the choices of today."""
        return Response(rulebook.language())

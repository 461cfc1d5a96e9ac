"""Campaigns and churn estimates over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api.campaign_serializers import (
    CampaignCopySerializer,
    CampaignSerializer,
    CampaignWriteSerializer,
    ChurnSerializer,
    ReachSerializer,
    RecipientSerializer,
)
from chat.api.reports import CSVRenderer
from chat.enums import CampaignKind, ChurnBand, RecipientState
from chat.models import Campaign, CampaignRecipient, ChurnScore
from chat.queries import campaigns as queries
from chat.queries import churn as churn_queries
from chat.queries import reports
from chat.services import broadcasts, campaigns, estimates
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
STATE = OpenApiParameter("state", OpenApiTypes.STR, enum=RecipientState.values)
UUIDS = "[0-9a-fA-F-]{32,36}"
MOST_EXPORTED = 50_000


class CampaignFilter(django_filters.FilterSet):
    """Narrow the list."""

    class Meta:
        model = Campaign
        fields = ["kind", "state", "inbox"]


class CampaignViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Campaign]):
    """Campaigns on websites and to lists."""

    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = {
        "list": "chat.view_campaign",
        "retrieve": "chat.view_campaign",
        "recipients": "chat.view_campaign",
        "create": "chat.manage_campaign",
        "partial_update": "chat.manage_campaign",
        "destroy": "chat.manage_campaign",
        "reach": "chat.manage_campaign",
        "start": "chat.manage_campaign",
        "pause": "chat.manage_campaign",
        "stop": "chat.manage_campaign",
        "copy": "chat.manage_campaign",
    }
    filter_backends = (DjangoFilterBackend,)
    filterset_class = CampaignFilter
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[Campaign]:
        """Every one of the tenant."""
        return queries.listed()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first, with their figures."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([_told(row, found) for row, found in _with_figures(page)])

    @extend_schema(parameters=[ID])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One campaign; what was sent lately is counted up to now."""
        row = self.get_object()
        if row.kind == CampaignKind.ONCE:
            broadcasts.settle(campaign_id=row.pk, now=timezone.now())
        return self._answer(row)

    @extend_schema(request=CampaignWriteSerializer, responses={201: CampaignSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Write a campaign down as a draft. 422 names a field that the kind does not have."""
        sent = CampaignWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = CampaignWriteSerializer.resolved(sent.validated_data)
        row = campaigns.create(kind=sent.validated_data["kind"], by=request.user, now=timezone.now(), **fields)
        return self._answer(row, code=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=CampaignWriteSerializer, responses={200: CampaignSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a campaign. 409 once it is over, or its list is fixed."""
        sent = CampaignWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        fields = CampaignWriteSerializer.resolved(sent.validated_data)
        row = campaigns.change(campaign=self.get_object(), by=request.user, now=timezone.now(), **fields)
        return self._answer(row)

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a campaign that does not run. Its conversations stay."""
        campaigns.delete(campaign=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ID], request=None, responses={200: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let it run, or go on after a pause. One to a list begins at its `starts_at`."""
        return self._answer(campaigns.start(campaign=self.get_object(), by=request.user, now=timezone.now()))

    @extend_schema(parameters=[ID], request=None, responses={200: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show and send nothing for now."""
        return self._answer(campaigns.pause(campaign=self.get_object(), by=request.user, now=timezone.now()))

    @extend_schema(parameters=[ID], request=None, responses={200: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End it for good."""
        return self._answer(campaigns.stop(campaign=self.get_object(), by=request.user, now=timezone.now()))

    @extend_schema(parameters=[ID], request=CampaignCopySerializer, responses={201: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The same again, as a draft without dates and people."""
        sent = CampaignCopySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = campaigns.copy(
            campaign=self.get_object(), name=sent.validated_data["name"], by=request.user, now=timezone.now()
        )
        return self._answer(row, code=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], responses={200: ReachSerializer})
    @action(detail=True)
    def reach(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How many contacts its list would hold now."""
        found = queries.reach(self.get_object(), now=timezone.now())
        return Response({"reached": found.reached, "left_out": dict(found.left_out)})

    @extend_schema(parameters=[ID, STATE], responses={200: RecipientSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-id",))
    def recipients(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whom it was shown or sent to, and who was left out."""
        rows: QuerySet[CampaignRecipient] = queries.recipients(self.get_object().pk)
        state = request.query_params.get("state")
        if state:
            rows = rows.filter(state=state)
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response(RecipientSerializer(page, many=True).data)

    def _answer(self, row: Campaign, *, code: int = status.HTTP_200_OK) -> Response:
        ((row, found),) = _with_figures([row])
        return Response(_told(row, found), status=code)


def _with_figures(rows: list[Campaign]) -> list[tuple[Campaign, dict[Any, Any]]]:
    found = queries.figures([row.pk for row in rows])
    return [(row, found) for row in rows]


def _told(row: Campaign, figures: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = CampaignSerializer(row, context={"figures": figures}).data
    return told


class ChurnFilter(django_filters.FilterSet):
    """Narrow the estimates."""

    band = django_filters.ChoiceFilter(choices=ChurnBand.choices)
    min_probability = django_filters.NumberFilter(field_name="probability", lookup_expr="gte")

    class Meta:
        model = ChurnScore
        fields = ["band", "min_probability"]


class ChurnViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ChurnScore]):
    """Who may not come back: estimates with what they were made from, renewed every night."""

    queryset = ChurnScore.objects.none()
    serializer_class = ChurnSerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = {
        "list": "chat.view_report",
        "retrieve": "chat.view_report",
        "export": "chat.view_report",
    }
    filter_backends = (DjangoFilterBackend,)
    filterset_class = ChurnFilter
    ordering = ("-probability", "contact_id")

    def get_queryset(self) -> QuerySet[ChurnScore]:
        """Everybody's, the riskiest first, where the plan has reports."""
        reports.require(self.request.user)
        return churn_queries.scores()

    @extend_schema(
        parameters=[OpenApiParameter("contact", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The contact.")]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One contact's estimate."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=False, pagination_class=None, renderer_classes=[CSVRenderer, JSONRenderer])
    def export(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The same as a table, at most 50,000."""
        rows = self.filter_queryset(self.get_queryset())[:MOST_EXPORTED]
        return Response(estimates.as_csv(rows), headers={"Content-Disposition": 'attachment; filename="churn.csv"'})

"""Hours, routing, service levels, surveys and left messages over the API."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api import numbers
from chat.api.flow_serializers import (
    ApplySerializer,
    CsatResponseSerializer,
    CsatSettingsSerializer,
    HolidaySerializer,
    HolidayWriteSerializer,
    HoursSerializer,
    HoursWriteSerializer,
    LeftMessageSerializer,
    PublicHolidaysSerializer,
    RoutingSerializer,
    RoutingWriteSerializer,
    SlaPolicySerializer,
    SlaPolicyWriteSerializer,
    TakenUpSerializer,
)
from chat.api.reports import CSVRenderer
from chat.models import CsatResponse, Holiday, Inbox, LeftMessage, SlaPolicy
from chat.queries import opening
from chat.services import csat, hours, left, routing, sla
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
INBOX = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The inbox.")
UUIDS = "[0-9a-fA-F-]{32,36}"


def _hours_of(rows: list[Inbox]) -> list[dict[str, Any]]:
    now = timezone.now()
    calendars = opening.for_inboxes(rows)
    return [HoursSerializer.told(row, calendars[row.pk], now=now) for row in rows]


class InboxPart(GenericViewSet[Inbox]):
    """Something of every inbox, by the inbox's id."""

    queryset = Inbox.objects.none()
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[Inbox]:
        """Every inbox of the tenant."""
        return Inbox.objects.order_by("created_at", "pk")


class HoursViewSet(IdempotentMixin, InboxPart):
    """When inboxes are staffed."""

    serializer_class = HoursSerializer
    required_permissions = {
        "list": "chat.view_inbox",
        "retrieve": "chat.view_inbox",
        "partial_update": "chat.manage_inbox",
        "holidays": "chat.view_inbox",
        "add_holiday": "chat.manage_inbox",
        "remove_holiday": "chat.manage_inbox",
        "public_holidays": "chat.view_inbox",
    }

    @extend_schema(responses={200: HoursSerializer(many=True)})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The hours of every inbox, and whether it is open now."""
        page: Any = self.paginate_queryset(self.get_queryset().select_related("hours"))
        return self.get_paginated_response(_hours_of(page))

    @extend_schema(parameters=[INBOX], responses={200: HoursSerializer})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The hours of one inbox."""
        return Response(_hours_of([self.get_object()])[0])

    @extend_schema(parameters=[INBOX], request=HoursWriteSerializer, responses={200: HoursSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change hours; what is left out stays."""
        sent = HoursWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        inbox = self.get_object()
        hours.change(inbox=inbox, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(_hours_of([self.get_object()])[0])

    @extend_schema(parameters=[INBOX], responses={200: HolidaySerializer(many=True)})
    @action(detail=True, ordering=("on",))
    def holidays(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Days with other hours than the week says, in order."""
        inbox = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        page: Any = self.paginate_queryset(Holiday.objects.filter(inbox=inbox))  # type: ignore[arg-type]
        return self.get_paginated_response(HolidaySerializer(page, many=True).data)

    @extend_schema(
        parameters=[INBOX],
        request=HolidayWriteSerializer,
        responses={201: HolidaySerializer},
        operation_id="chat_hours_holidays_create",
    )
    @holidays.mapping.post
    def add_holiday(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Be closed, or keep other hours, on a day."""
        sent = HolidayWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = hours.add_holiday(inbox=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(HolidaySerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[INBOX, OpenApiParameter("holiday", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={204: None},
    )
    @action(detail=True, methods=["delete"], url_path=f"holidays/(?P<holiday>{UUIDS})")
    def remove_holiday(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Go back to the usual hours on that day."""
        row = get_object_or_404(Holiday, inbox=self.get_object(), pk=_uuid(kwargs["holiday"]))
        hours.remove_holiday(holiday_id=row.pk, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        parameters=[INBOX, OpenApiParameter("year", OpenApiTypes.INT, description="This year when left out.")],
        responses={200: PublicHolidaysSerializer},
    )
    @action(detail=True, url_path="public-holidays", pagination_class=None)
    def public_holidays(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Public holidays of a year as this inbox would keep them."""
        kept = hours.of(self.get_object())
        year = request.query_params.get("year", str(timezone.localdate().year))
        if not (year.isascii() and year.isdigit() and 1990 <= int(year) <= 2100):
            raise errors.Invalid(field="year")
        found = opening.public_holidays("BR", kept.state, kept.optional_days, int(year))
        return Response({"days": [{"on": day, "name": name} for day, name in sorted(found.items())]})


class RoutingViewSet(InboxPart):
    """How inboxes hand out their conversations."""

    serializer_class = RoutingSerializer
    required_permissions = {
        "list": "chat.view_inbox",
        "retrieve": "chat.view_inbox",
        "partial_update": "chat.manage_inbox",
    }

    @extend_schema(responses={200: RoutingSerializer(many=True)})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The routing of every inbox."""
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([RoutingSerializer.told(row) for row in page])

    @extend_schema(parameters=[INBOX], responses={200: RoutingSerializer})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The routing of one inbox."""
        return Response(RoutingSerializer.told(self.get_object()))

    @extend_schema(parameters=[INBOX], request=RoutingWriteSerializer, responses={200: RoutingSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the routing; what is left out stays."""
        sent = RoutingWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        inbox = routing.configure(inbox=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(RoutingSerializer.told(inbox))


class SlaViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[SlaPolicy]):
    """Service levels."""

    queryset = SlaPolicy.objects.none()
    serializer_class = SlaPolicySerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = {
        "list": "chat.view_inbox",
        "retrieve": "chat.view_inbox",
        "create": "chat.manage_flow",
        "partial_update": "chat.manage_flow",
        "destroy": "chat.manage_flow",
        "apply": "chat.reply_conversation",
    }
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[SlaPolicy]:
        """Every one of the tenant."""
        return SlaPolicy.objects.prefetch_related("inboxes").order_by("created_at", "pk")

    @extend_schema(request=SlaPolicyWriteSerializer, responses={201: SlaPolicySerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a service level."""
        sent = SlaPolicyWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = sla.create_policy(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(SlaPolicySerializer(self.get_queryset().get(pk=row.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=SlaPolicyWriteSerializer, responses={200: SlaPolicySerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a service level."""
        sent = SlaPolicyWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        row = sla.change_policy(policy=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(SlaPolicySerializer(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a service level."""
        sla.delete_policy(policy=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ID], request=ApplySerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Promise this service level for one conversation."""
        sent = ApplySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = numbers.conversation_of(request, sent.validated_data["conversation"])
        sla.apply(conversation_id=row.pk, policy=self.get_object(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class CsatFilter(django_filters.FilterSet):
    """Narrow the answers."""

    rating = django_filters.NumberFilter()
    agent = django_filters.UUIDFilter(field_name="agent_id")
    inbox = django_filters.UUIDFilter(field_name="conversation__inbox_id")
    since = django_filters.IsoDateTimeFilter(field_name="answered_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="answered_at", lookup_expr="lt")
    with_comment = django_filters.BooleanFilter(method="commented", label="Only with, or only without, a comment.")

    class Meta:
        model = CsatResponse
        fields = ["rating", "agent", "inbox", "since", "until", "with_comment"]

    def commented(self, queryset: Any, name: str, value: bool) -> Any:
        """Somebody said why."""
        return queryset.exclude(comment="") if value else queryset.filter(comment="")


class CsatViewSet(mixins.ListModelMixin, GenericViewSet[CsatResponse]):
    """Answers of the satisfaction survey."""

    queryset = CsatResponse.objects.none()
    serializer_class = CsatResponseSerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {"list": "chat.view_csat", "export": "chat.view_csat"}
    filter_backends = (DjangoFilterBackend,)
    filterset_class = CsatFilter
    ordering = ("-answered_at",)

    def get_queryset(self) -> QuerySet[CsatResponse]:
        """What was answered, newest first."""
        rows = CsatResponse.objects.filter(answered_at__isnull=False)
        return rows.select_related("conversation", "contact", "agent").order_by("-answered_at", "-pk")

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=False, pagination_class=None, renderer_classes=[CSVRenderer, JSONRenderer])
    def export(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The same answers as a table, at most 50,000."""
        rows = self.filter_queryset(self.get_queryset())[:50_000]
        return Response(csat.as_csv(rows), headers={"Content-Disposition": 'attachment; filename="csat.csv"'})


class CsatSettingsViewSet(InboxPart):
    """The survey of each inbox."""

    serializer_class = CsatSettingsSerializer
    required_permissions = {"retrieve": "chat.view_inbox", "partial_update": "chat.manage_inbox"}

    @extend_schema(parameters=[INBOX], responses={200: CsatSettingsSerializer})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Texts and scale of an inbox."""
        return Response(csat.settings_of(self.get_object()))

    @extend_schema(parameters=[INBOX], request=CsatSettingsSerializer, responses={200: CsatSettingsSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the survey; an empty text brings the usual words back."""
        sent = CsatSettingsSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        inbox = csat.configure(inbox=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(csat.settings_of(inbox))


class LeftMessageFilter(django_filters.FilterSet):
    """Narrow the left messages."""

    waiting = django_filters.BooleanFilter(method="handled", label="Only what nobody took care of, or only the rest.")

    class Meta:
        model = LeftMessage
        fields = ["waiting"]

    def handled(self, queryset: Any, name: str, value: bool) -> Any:
        """By the QuerySet's own words."""
        waiting = LeftMessage.objects.waiting()
        return queryset.filter(pk__in=waiting) if value else queryset.exclude(pk__in=waiting)


class LeftMessageViewSet(IdempotentMixin, mixins.ListModelMixin, GenericViewSet[LeftMessage]):
    """What visitors left while the plan had no room for their conversation."""

    queryset = LeftMessage.objects.none()
    serializer_class = LeftMessageSerializer
    permission_classes = (RequiredPermissions,)
    lookup_value_regex = UUIDS
    required_permissions = {
        "list": "chat.view_conversation",
        "take_up": "chat.reply_conversation",
        "dismiss": "chat.reply_conversation",
    }
    filter_backends = (DjangoFilterBackend,)
    filterset_class = LeftMessageFilter
    ordering = ("-left_at",)

    def get_queryset(self) -> QuerySet[LeftMessage]:
        """Newest first."""
        rows = LeftMessage.objects.select_related("contact_inbox__inbox", "contact_inbox__contact", "conversation")
        return rows.order_by("-left_at", "-pk")

    @extend_schema(parameters=[ID], request=None, responses={201: TakenUpSerializer})
    @action(detail=True, methods=["post"], url_path="take-up")
    def take_up(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a conversation of it, assigned to the caller. 409 when somebody was first."""
        conversation = left.take_up(left_id=_uuid(kwargs["pk"]), by=request.user, now=timezone.now())
        return Response({"conversation": conversation.number}, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=None, responses={200: LeftMessageSerializer})
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put it away without an answer."""
        row = left.dismiss(left_id=_uuid(kwargs["pk"]), by=request.user, now=timezone.now())
        return Response(LeftMessageSerializer(self.get_queryset().get(pk=row.pk)).data)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise errors.NotFound from error

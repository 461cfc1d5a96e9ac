"""Webhooks over the API: where events go, and what was sent."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin, StrictSerializer
from ops.kernel.webhooks.models import WebhookDelivery, WebhookEndpoint
from ops.kernel.webhooks.services import deliveries, endpoints
from tenants.accounts.permissions import RequiredPermissions

MANAGE = "webhooks.manage_endpoint"


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint without its secret."""

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "description", "events", "enabled", "failing_since", "created_at"]


class WebhookWithSecretSerializer(WebhookSerializer):
    """An endpoint at the moment its secret was made: the only time it is shown here."""

    secret = serializers.CharField(
        allow_null=True, help_text="Null in the answer to a request that was sent again with its key."
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class WebhookWriteSerializer(StrictSerializer):
    """What a person may set."""

    url = serializers.CharField(max_length=500)
    description = serializers.CharField(max_length=120, required=False, allow_blank=True)
    events = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=100,
        help_text=_("Names of events, or one star for all of them."),
    )
    enabled = serializers.BooleanField(required=False)


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt: when, with which answer (status 0: none), and how long it took."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField()
    words = serializers.CharField()
    took_ms = serializers.IntegerField()


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event for one endpoint."""

    attempts = AttemptSerializer(many=True, source="history")
    next_attempt_at = serializers.SerializerMethodField()
    body = serializers.JSONField(source="parsed", help_text=_("What is sent, as it was when the event happened."))

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event_id", "event", "state", "attempts", "next_attempt_at", "created_at", "delivered_at", "body",
        ]  # fmt: skip

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, row: WebhookDelivery) -> str | None:
        """When it is tried again; nothing for what is settled."""
        return row.due_at.isoformat() if row.state == "queued" else None


class WebhookViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[WebhookEndpoint]
):
    """Addresses of other systems that are told what happens here."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class = WebhookSerializer
    shown_once = ("secret",)
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(
        (
            "list", "retrieve", "create", "partial_update", "destroy", "rotate", "test", "deliveries", "replay",
        ),
        MANAGE,
    )  # fmt: skip
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        """Every endpoint of the tenant."""
        return WebhookEndpoint.objects.all()

    @extend_schema(request=WebhookWriteSerializer, responses={201: WebhookWithSecretSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an endpoint; the answer has its secret, once."""
        sent = WebhookWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        endpoint = endpoints.create(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(WebhookWithSecretSerializer(endpoint).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=WebhookWriteSerializer, responses={200: WebhookSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an endpoint."""
        sent = WebhookWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        endpoint = endpoints.change(
            endpoint_id=self.get_object().pk, by=request.user, now=timezone.now(), **sent.validated_data
        )
        return Response(WebhookSerializer(endpoint).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an endpoint with its deliveries."""
        endpoints.remove(endpoint_id=self.get_object().pk, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: WebhookWithSecretSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a new secret; the old one signs too for 24 hours."""
        endpoint = endpoints.rotate_secret(endpoint_id=self.get_object().pk, by=request.user, now=timezone.now())
        return Response(WebhookWithSecretSerializer(endpoint).data)

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send an event named `ping`."""
        delivery = deliveries.send_test(endpoint_id=self.get_object().pk, now=timezone.now())
        return Response(WebhookDeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={200: WebhookDeliverySerializer(many=True)})
    @action(detail=True, ordering=("-created_at",))
    def deliveries(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was sent to an endpoint, newest first, with every attempt."""
        rows = WebhookDelivery.objects.of(self.get_object().pk)
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response(WebhookDeliverySerializer(page, many=True).data)

    @extend_schema(
        request=None,
        responses={202: WebhookDeliverySerializer},
        parameters=[OpenApiParameter("delivery", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)],
    )
    @action(detail=True, methods=["post"], url_path="deliveries/(?P<delivery>[0-9a-fA-F-]{36})/replay")
    def replay(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a delivery again, with the same id and the same bytes."""
        delivery = deliveries.replay(
            endpoint_id=self.get_object().pk,
            delivery_id=_uuid(self.kwargs["delivery"]),
            by=request.user,
            now=timezone.now(),
        )
        return Response(WebhookDeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # nobody's

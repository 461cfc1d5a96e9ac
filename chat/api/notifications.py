"""Notifications over the API, and the browsers they are pushed to. Always the caller's own."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api.desk_serializers import (
    NotificationReadSerializer,
    NotificationSerializer,
    PushListSerializer,
    PushSerializer,
    PushWriteSerializer,
    UnreadSerializer,
)
from chat.models import Notification, PushSubscription
from chat.services import notifications, push
from chat.templatetags.chat import browser
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

SUBSCRIPTION = OpenApiParameter("subscription_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class NotificationViewSet(IdempotentMixin, mixins.ListModelMixin, GenericViewSet[Notification]):
    """What the caller should look at."""

    queryset = Notification.objects.none()
    serializer_class = NotificationSerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_conversation",
        "unread": "chat.view_conversation",
        "read": "chat.view_conversation",
    }
    filter_backends = ()
    ordering = ("-updated_at",)

    def get_queryset(self) -> QuerySet[Notification]:
        """The caller's own."""
        rows = Notification.objects.of(self.request.user).with_people()
        wanted = self.request.query_params.get("unread", "")
        if wanted not in {"", "true", "false"}:
            raise errors.Invalid(field="unread")
        return rows.unread() if wanted == "true" else rows

    @extend_schema(parameters=[OpenApiParameter("unread", OpenApiTypes.BOOL, description="Only what is left.")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(responses={200: UnreadSerializer})
    @action(detail=False, pagination_class=None)
    def unread(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How many are left."""
        return Response({"unread": Notification.objects.of(request.user).unread().count()})

    @extend_schema(request=NotificationReadSerializer, responses={200: UnreadSerializer})
    @action(detail=False, methods=["post"], pagination_class=None)
    def read(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """These, or all of them, were looked at."""
        sent = NotificationReadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        notifications.read(user=request.user, ids=sent.validated_data.get("ids"), now=timezone.now())
        return Response({"unread": Notification.objects.of(request.user).unread().count()})


class PushView(IdempotentMixin, APIView):
    """Browsers that are told while the console is closed."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_conversation", "post": "chat.view_conversation"}

    @extend_schema(operation_id="chat_push_list", responses={200: PushListSerializer})
    def get(self, request: Request) -> Response:
        """The caller's browsers, and the key to subscribe another one with."""
        rows = PushSubscription.objects.filter(user=request.user.pk).order_by("-created_at", "-pk")
        return Response({"public_key": push.public_key(), "subscriptions": [_drawn(row) for row in rows]})

    @extend_schema(operation_id="chat_push_create", request=PushWriteSerializer, responses={201: PushSerializer})
    def post(self, request: Request) -> Response:
        """Tell this browser from now on."""
        sent = PushWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = push.subscribe(
            user=request.user,
            endpoint=sent.validated_data["endpoint"],
            user_agent=request.headers.get("User-Agent", ""),
            **sent.validated_data["keys"],
        )
        return Response(_drawn(made), status=status.HTTP_201_CREATED)


class PushSubscriptionView(APIView):
    """One of them."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"delete": "chat.view_conversation"}

    @extend_schema(operation_id="chat_push_destroy", parameters=[SUBSCRIPTION], responses={204: None})
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """Tell it no more."""
        push.unsubscribe(user=request.user, key=subscription_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _drawn(row: PushSubscription) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "browser": browser(row.user_agent),
        "created_at": row.created_at.isoformat(),
        "used_at": None if row.used_at is None else row.used_at.isoformat(),
    }

"""Inboxes over the API."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api.inbox_serializers import (
    InboxMembersSerializer,
    InboxPatchSerializer,
    InboxSerializer,
    InboxWriteSerializer,
    SnippetSerializer,
)
from chat.models import Inbox
from chat.services import inboxes
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions


class InboxViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Inbox]):
    """The ways in."""

    queryset = Inbox.objects.none()
    serializer_class = InboxSerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_inbox",
        "retrieve": "chat.view_inbox",
        "create": "chat.manage_inbox",
        "partial_update": "chat.manage_inbox",
        "destroy": "chat.manage_inbox",
        "members": "chat.manage_inbox",
        "snippet": "chat.manage_inbox",
    }
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[Inbox]:
        """Every inbox of the tenant."""
        return Inbox.objects.order_by("created_at", "pk").prefetch_related("inbox_members__user")

    @extend_schema(request=InboxWriteSerializer, responses={201: InboxSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an inbox. 402 with the numbers when the plan has no room for one more."""
        sent = InboxWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        inbox = inboxes.create(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(InboxSerializer(inbox).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=InboxPatchSerializer, responses={200: InboxSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an inbox."""
        sent = InboxPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        inbox = inboxes.change(inbox=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(InboxSerializer(inbox).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an inbox nobody has written through. 409 for another one: it can be switched off."""
        inboxes.delete(inbox=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=InboxMembersSerializer, responses={200: InboxSerializer})
    @action(detail=True, methods=["put"])
    def members(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say to whom its conversations are handed out; to everybody when nobody is named."""
        sent = InboxMembersSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        inbox = self.get_object()
        inboxes.set_members(inbox=inbox, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(InboxSerializer(self.get_queryset().get(pk=inbox.pk)).data)

    @extend_schema(responses={200: SnippetSerializer})
    @action(detail=True)
    def snippet(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What to paste into the website, and the secret for its server."""
        inbox = self.get_object()
        html = format_html(
            '<script src="{}" data-inbox="{}" async></script>',
            request.build_absolute_uri("/widget.js"),
            inbox.website_token,
        )
        return Response(
            {"html": html, "website_token": inbox.website_token, "identity_secret": inbox.hmac_secret},
            headers={"Cache-Control": "no-store"},
        )

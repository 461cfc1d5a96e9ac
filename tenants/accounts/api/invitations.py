"""Invitations over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin
from tenants.accounts.api.serializers import InvitationCreateSerializer, InvitationSerializer
from tenants.accounts.models import Invitation
from tenants.accounts.permissions import RequiredPermissions
from tenants.accounts.services import invitations


class InvitationFilter(django_filters.FilterSet):
    """`?q=` looks in addresses and names."""

    q = django_filters.CharFilter(method="search", label="Part of the e-mail or the name, whatever its case.")
    unanswered = django_filters.BooleanFilter(method="those_unanswered", label="Neither accepted nor taken back.")

    class Meta:
        model = Invitation
        fields = ["q", "unanswered"]

    def search(self, queryset: Any, name: str, value: str) -> Any:
        """By the QuerySet's own words."""
        return queryset.search(value)

    def those_unanswered(self, queryset: Any, name: str, value: bool) -> Any:
        """Or all the others."""
        return queryset.unanswered() if value else queryset.exclude(accepted_at=None, revoked_at=None)


class InvitationViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Invitation]):
    """Who was asked to come."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "accounts.change_user",
        "retrieve": "accounts.change_user",
        "create": "accounts.change_user",
        "destroy": "accounts.change_user",
        "send": "accounts.change_user",
    }
    filter_backends = (DjangoFilterBackend,)
    filterset_class = InvitationFilter
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[Invitation]:
        """Everybody who was ever asked."""
        return Invitation.objects.select_related("role")

    @extend_schema(request=InvitationCreateSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Invite an address. The link in the letter works once, for seven days; 402 when the plan has no seat left."""
        sent = InvitationCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = invitations.invite(**sent.validated_data, by=request.user, host=request.get_host(), now=timezone.now())
        return Response(InvitationSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take it back: the link stops working. The row stays, with the instant."""
        invitations.revoke(invitation=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def send(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send it again, with seven more days; the link of the letter before stops working."""
        row = invitations.send_again(
            invitation=self.get_object(), by=request.user, host=request.get_host(), now=timezone.now()
        )
        return Response(InvitationSerializer(row).data)

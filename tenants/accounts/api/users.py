"""People of the tenant over the API."""

from typing import Any

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin
from tenants.accounts.api.serializers import UserCreateSerializer, UserPatchSerializer, UserSerializer
from tenants.accounts.models import Role, User
from tenants.accounts.permissions import RequiredPermissions
from tenants.accounts.services import users


class UserFilter(django_filters.FilterSet):
    """`?q=` looks in names and e-mails."""

    q = django_filters.CharFilter(method="search", label="Part of the name or the e-mail, whatever its case.")
    role = django_filters.ModelChoiceFilter(
        queryset=Role.objects.all(), to_field_name="slug", label="Short name of the role."
    )
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = User
        fields = ["q", "role", "is_active"]

    def search(self, queryset: Any, name: str, value: str) -> Any:
        """By the QuerySet's own words."""
        return queryset.search(value)


class UserViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """The team of the tenant."""

    queryset = User.objects.none()
    serializer_class = UserSerializer
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "accounts.view_user",
        "retrieve": "accounts.view_user",
        "create": "accounts.change_user",
        "partial_update": "accounts.change_user",
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = UserFilter
    ordering_fields = ("created_at", "name", "email")
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[User]:
        """Everybody of this schema."""
        return User.objects.members().select_related("role")

    @extend_schema(request=UserCreateSerializer, responses={201: UserSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a person. They get a welcome link by e-mail; 402 when the plan has no seat left."""
        sent = UserCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        user = users.create(**sent.validated_data, by=request.user, host=request.get_host(), now=timezone.now())
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=UserPatchSerializer, responses={200: UserSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the role, or stop and allow access. The last active owner stays."""
        sent = UserPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        user = self.get_object()
        now = timezone.now()
        with transaction.atomic():
            if "role" in sent.validated_data:
                users.set_role(user=user, role=sent.validated_data["role"], by=request.user, now=now)
            if "is_active" in sent.validated_data:
                if sent.validated_data["is_active"]:
                    users.activate(user=user, by=request.user, now=now)
                else:
                    hand_over = sent.validated_data.get("hand_over", {})
                    users.deactivate(user=user, by=request.user, hand_over=hand_over, now=now)
        return Response(UserSerializer(self.get_queryset().get(pk=user.pk)).data)

"""Roles over the API: what each allows, and those a tenant makes itself."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin, StrictSerializer
from ops.kernel.registry import permission_areas, permissions
from tenants.accounts.models import Role
from tenants.accounts.permissions import MANAGE_ROLES, RequiredPermissions
from tenants.accounts.queries import roles as queries
from tenants.accounts.services import roles

MOVE_TO = OpenApiParameter("move_to", str, description="Short name of the role that its people get.")


class RoleSerializer(serializers.ModelSerializer[Role]):
    """A role, with what it allows and how many active people have it."""

    name = serializers.CharField(source="label", read_only=True)
    description = serializers.CharField(source="about", read_only=True)
    takes_seat = serializers.BooleanField(
        source="seated", read_only=True, help_text="Whether its people count as agents of the plan."
    )
    permissions = serializers.SerializerMethodField(help_text="Names `app.codename`, in alphabetical order.")
    people = serializers.IntegerField(read_only=True, help_text="Active people who have it.")

    class Meta:
        model = Role
        fields = ["slug", "name", "description", "built_in", "takes_seat", "permissions", "people", "created_at"]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_permissions(self, role: Role) -> list[str]:
        """What it allows."""
        return sorted(self.context["held"][role.pk])


class RoleWriteSerializer(StrictSerializer):
    """What makes a role; what is left out of a change stays."""

    name = serializers.CharField(max_length=roles.NAME_MAX)
    description = serializers.CharField(max_length=roles.DESCRIPTION_MAX, required=False, allow_blank=True)
    permissions = serializers.ListField(
        child=serializers.CharField(max_length=150), max_length=500, help_text="Names `app.codename`."
    )


class PermissionSerializer(serializers.Serializer[Any]):
    """Something a role may allow."""

    name = serializers.CharField()
    title = serializers.CharField()
    hint = serializers.CharField()
    area = serializers.CharField(help_text="Key of its area, as in the scopes of tokens.")
    area_label = serializers.CharField()
    takes_seat = serializers.BooleanField()
    for_tokens = serializers.BooleanField(help_text="Whether a token may have it at all.")


class RoleViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Role]):
    """What people of the tenant may do."""

    queryset = Role.objects.none()
    serializer_class = RoleSerializer
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,40}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "accounts.view_user",
        "retrieve": "accounts.view_user",
        "catalogue": "accounts.view_user",
        "create": MANAGE_ROLES,
        "partial_update": MANAGE_ROLES,
        "destroy": MANAGE_ROLES,
    }
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[Role]:
        """Every role of the tenant."""
        people = Count("users", filter=Q(users__is_active=True, users__support_person_id=None))
        return Role.objects.annotate(people=people)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every role with what it allows."""
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self._drawn(page, many=True))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One role."""
        return Response(self._drawn(self.get_object()))

    @extend_schema(request=RoleWriteSerializer, responses={201: RoleSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a role. Nobody can put into it what their own does not allow (403, `more_than_yours`)."""
        sent = RoleWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        role = roles.create(by=request.user, now=timezone.now(), **_words(sent.validated_data))
        return Response(self._drawn(self.get_queryset().get(pk=role.pk)), status=status.HTTP_201_CREATED)

    @extend_schema(request=RoleWriteSerializer, responses={200: RoleSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a role of your own making; it counts at once in pages, API and open sockets."""
        sent = RoleWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        role = roles.change(
            role_id=self.get_object().pk, by=request.user, now=timezone.now(), **_words(sent.validated_data)
        )
        return Response(self._drawn(self.get_queryset().get(pk=role.pk)))

    @extend_schema(responses={204: None}, parameters=[MOVE_TO])
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a role of your own making; who has it gets the role `move_to` (409 without one)."""
        roles.delete(
            role_id=self.get_object().pk,
            move_to=request.query_params.get("move_to", "")[:40],
            by=request.user,
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="settings_roles_permissions", responses={200: PermissionSerializer(many=True)})
    @action(detail=False, url_path="permissions", pagination_class=None)
    def catalogue(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Everything a role may allow, in plain words."""
        rows = [
            {
                "name": one.codename,
                "title": one.label,
                "hint": one.hint,
                "area": one.area,
                "area_label": area.label if (area := permission_areas.get(one.area)) else "",
                "takes_seat": one.seated,
                "for_tokens": one.for_tokens,
            }
            for one in permissions
        ]
        return Response(PermissionSerializer(rows, many=True).data)

    def _drawn(self, rows: Any, *, many: bool = False) -> Any:
        held = queries.held_by(rows if many else [rows])
        return RoleSerializer(rows, many=many, context={"held": held}).data


def _words(data: dict[str, Any]) -> dict[str, Any]:
    return {("codenames" if name == "permissions" else name): value for name, value in data.items()}

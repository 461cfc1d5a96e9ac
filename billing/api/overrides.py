"""Decisions beyond the plans, over the API of the platform's and the resellers' hosts."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing.api.platform import ConsolePermission
from billing.enums import Level, Subject
from billing.models import Override
from billing.services import overrides
from ops.kernel.api import IdempotentMixin, StrictSerializer
from ops.kernel.errors import FieldError, Invalid, PermissionRefused
from tenants.enums import ConsoleRight
from tenants.models import Reseller, Tenant
from tenants.queries import portfolio


class OverrideSerializer(serializers.Serializer[Any]):
    """One decision in force or to come."""

    id = serializers.UUIDField(read_only=True)
    level = serializers.ChoiceField(choices=Level.choices, read_only=True, help_text="Who decided.")
    tenant = serializers.UUIDField(source="tenant_id", read_only=True, allow_null=True, help_text="Null: for many.")
    reseller = serializers.SlugRelatedField[Reseller](slug_field="slug", read_only=True)
    subject = serializers.ChoiceField(choices=Subject.choices, read_only=True)
    key = serializers.CharField(read_only=True)
    value = serializers.JSONField(read_only=True, help_text="True or false; a number, or null for no limit.")
    reason = serializers.CharField(read_only=True)
    until = serializers.DateTimeField(read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True)
    set_at = serializers.DateTimeField(read_only=True)
    set_by = serializers.CharField(read_only=True)


class OverrideWriteSerializer(StrictSerializer):
    """A decision to take. Without `tenant` it is about all customers of the reseller or, by the platform, about how far
    a `reseller` may go; without both about everybody.
    """

    tenant = serializers.UUIDField(required=False, allow_null=True)
    reseller = serializers.SlugField(required=False, max_length=40, help_text="For platform staff.")
    subject = serializers.ChoiceField(choices=Subject.choices)
    key = serializers.CharField(max_length=60)
    value = serializers.JSONField(allow_null=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)
    until = serializers.DateTimeField(required=False, allow_null=True)
    seen_version = serializers.IntegerField(
        required=False, min_value=0, help_text="The version you looked at (0: none); another one since then is a 409."
    )


class OverrideViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Override]):
    """What was decided beyond the plans, as far as the person sees."""

    queryset = Override.objects.none()
    serializer_class = OverrideSerializer
    permission_classes = (permissions.IsAuthenticated, ConsolePermission)
    lookup_value_converter = "uuid"
    rights = {
        "list": ConsoleRight.VIEW_CUSTOMERS,
        "retrieve": ConsoleRight.VIEW_CUSTOMERS,
        "create": ConsoleRight.CHANGE_PLANS,
        "destroy": ConsoleRight.CHANGE_PLANS,
    }
    filter_backends = ()
    ordering = ("-set_at",)
    scope: portfolio.Scope

    def get_queryset(self) -> QuerySet[Override]:
        """Those that stand."""
        if getattr(self, "swagger_fake_view", False):
            return Override.objects.none()
        rows = Override.objects.standing().select_related("reseller", "tenant")
        return self.scope.limit(rows, "reseller")

    @extend_schema(request=OverrideWriteSerializer, responses={201: OverrideSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Decide; an earlier decision about the same thing is replaced and stays in the history."""
        sent = OverrideWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = dict(sent.validated_data)
        tenant, reseller = self._tenant(asked.pop("tenant", None)), self._reseller(asked.pop("reseller", None))
        made = overrides.put(
            level=level_of(self.scope), tenant=tenant, reseller=reseller, by=request.user, now=timezone.now(), **asked
        )
        return Response(OverrideSerializer(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a decision back; what stands below holds again."""
        row = self.get_object()
        if row.level != level_of(self.scope):
            raise PermissionRefused
        overrides.take_back(override=row, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _tenant(self, key: Any) -> Tenant | None:
        if key is None:
            return None
        found = self.scope.tenants().select_related("reseller").filter(pk=key).first()
        if found is None:
            raise Invalid(errors=[FieldError("tenant", "unknown_tenant", str(_("There is no such customer.")))])
        return found

    def _reseller(self, slug: str | None) -> Reseller | None:
        if slug is None:
            return self.scope.reseller
        found = self.scope.limit(Reseller.objects.filter(slug=slug), "pk").first()
        if found is None:
            raise Invalid(errors=[FieldError("reseller", "unknown_reseller", str(_("There is no such reseller.")))])
        return found


def level_of(scope: portfolio.Scope) -> str:
    """On which level a person of a console decides."""
    return Level.PLATFORM if scope.is_platform else Level.RESELLER

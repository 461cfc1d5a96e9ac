"""Features and limits with their sources, over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from billing.enums import Unit
from billing.queries import features as rows
from billing.services import overrides
from billing.values import Settled, Source
from ops.kernel.api import StrictSerializer
from ops.kernel.errors import NotFound
from ops.kernel.registry import features
from tenants.accounts.permissions import RequiredPermissions


class UsableFeatureSerializer(serializers.Serializer[Any]):
    """A feature: whether it is on, and who decided that."""

    name = serializers.CharField(read_only=True, help_text="For example `videoCall`.")
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # DRF's own `label` is set per field
    is_on = serializers.BooleanField(read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment]  # as `label`
    until = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When that ends by itself.")
    reason = serializers.CharField(read_only=True)
    next_plan = serializers.CharField(read_only=True, help_text="Name of a larger plan that includes it, or empty.")
    may_switch = serializers.BooleanField(read_only=True, help_text="Whether the company itself can switch it.")


class UsableLimitSerializer(serializers.Serializer[Any]):
    """A limit: how much, how much is used, and who decided that."""

    key = serializers.CharField(read_only=True, help_text="For example `chat.agents`.")
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # DRF's own `label` is set per field
    unit = serializers.ChoiceField(choices=Unit.choices, read_only=True)
    limit = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null when there is no limit.")
    used = serializers.IntegerField(read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment]  # as `label`
    until = serializers.DateTimeField(read_only=True, allow_null=True)
    reason = serializers.CharField(read_only=True)
    reset_at = serializers.DateTimeField(read_only=True, allow_null=True)
    next_plan = serializers.CharField(read_only=True, help_text="Name of a larger plan that has more, or empty.")


class UsableSerializer(serializers.Serializer[Any]):
    """All that the company may use."""

    plan_name = serializers.CharField(read_only=True)
    features = UsableFeatureSerializer(many=True, read_only=True)
    limits = UsableLimitSerializer(many=True, read_only=True)


class UsableFeatureSwitchSerializer(StrictSerializer):
    """Whether the company uses a feature it has."""

    is_on = serializers.BooleanField()


class FeaturesView(GenericAPIView[Any]):
    """What the company may use, and why."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "billing.view_subscription"}
    serializer_class = UsableSerializer

    @extend_schema(operation_id="settings_features", responses={200: UsableSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every feature and limit with its source, counted now."""
        return Response(UsableSerializer(_all(request)).data)


class FeatureView(GenericAPIView[Any]):
    """One feature."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"patch": "billing.change_features"}
    serializer_class = UsableFeatureSerializer

    @extend_schema(
        operation_id="settings_feature_switch",
        request=UsableFeatureSwitchSerializer,
        responses={200: UsableFeatureSerializer},
    )
    def patch(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """Switch a feature off for the whole company, or on again. On is what the plan allows, and no more."""
        if name not in features:
            raise NotFound
        sent = UsableFeatureSwitchSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        overrides.switch(
            tenant=request.tenant, name=name, is_on=sent.validated_data["is_on"], by=request.user, now=timezone.now()
        )
        return Response(next(one for one in _all(request)["features"] if one["name"] == name))


def _all(request: Request) -> dict[str, Any]:
    found = rows.of_current_tenant(request.tenant, now=timezone.now())
    return {
        "plan_name": found.plan_name,
        "features": [
            {
                "name": row.name,
                "label": row.label,
                "is_on": row.is_on,
                "next_plan": row.next_plan,
                "may_switch": row.may_switch,
                **_why(row.settled),
            }
            for row in found.features
        ],
        "limits": [
            {
                "key": row.key,
                "label": row.bar.label,
                "unit": row.bar.unit,
                "limit": row.bar.limit,
                "used": row.bar.used,
                "reset_at": row.bar.reset_at,
                "next_plan": row.next_plan,
                **_why(row.settled),
            }
            for row in found.limits
        ],
    }


def _why(settled: Settled) -> dict[str, Any]:
    last = settled.last
    return {
        "source": settled.source,
        "until": last.until if last else None,
        "reason": last.reason if last else "",
    }

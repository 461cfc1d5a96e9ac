"""What the plan allows, over the API."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing import entitlements
from billing.api.serializers import EntitlementsSerializer, PlanSerializer
from billing.models import Plan
from billing.queries import prices
from tenants.accounts.permissions import RequiredPermissions


class EntitlementsView(GenericAPIView[Any]):
    """Limits, use and features of this tenant."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "billing.view_subscription"}
    serializer_class = EntitlementsSerializer

    @extend_schema(operation_id="billing_entitlements", responses={200: EntitlementsSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What may be used, what is used and what is left."""
        now = timezone.now()
        agreed = entitlements.terms()
        limits = []
        for key, entitlement in entitlements.KNOWN.items():
            if not entitlement.shown:
                continue
            decision = entitlements.check(key, 0, now=now)
            limits.append(
                {
                    "key": key,
                    "label": str(entitlement.label),
                    "unit": entitlement.unit,
                    "limit": decision.limit,
                    "used": decision.used,
                    "remaining": decision.remaining,
                    "reset_at": decision.reset_at,
                }
            )
        body = {"plan": agreed.plan, "plan_name": agreed.plan_name, "limits": limits, "flags": agreed.flags}
        return Response(EntitlementsSerializer(body).data)


class PlanViewSet(mixins.ListModelMixin, GenericViewSet[Plan]):
    """The plans of the catalogue, with what they cost a month."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"list": None}
    open_to_tokens = True
    serializer_class = PlanSerializer
    queryset = Plan.objects.filter(is_public=True)
    filter_backends = ()
    ordering = ("order",)

    def get_serializer_context(self) -> dict[str, Any]:
        """With the prices as this tenant pays them, read once for the list."""
        tenant = cast(Any, self.request).tenant
        return {**super().get_serializer_context(), "prices": prices.of_tenant(tenant, now=timezone.now())}

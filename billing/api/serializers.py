"""Plans and entitlements as the API writes them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.enums import Unit
from billing.models import Plan
from ops.kernel.api import AmountSerializer
from ops.kernel.money import Money


class EntitlementSerializer(serializers.Serializer[Any]):
    """What the plan allows of one thing, and what is used."""

    key = serializers.CharField(read_only=True, help_text="For example `chat.agents`.")
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # DRF's own `label` is set per field
    unit = serializers.ChoiceField(choices=Unit.choices, read_only=True)
    limit = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null when there is no limit.")
    used = serializers.IntegerField(read_only=True)
    remaining = serializers.IntegerField(read_only=True, allow_null=True)
    reset_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a monthly number starts again."
    )


class EntitlementsSerializer(serializers.Serializer[Any]):
    """The plan of this tenant with its numbers and features."""

    plan = serializers.CharField(read_only=True)
    plan_name = serializers.CharField(read_only=True)
    limits = EntitlementSerializer(many=True, read_only=True)
    flags = serializers.DictField(child=serializers.BooleanField(), read_only=True)


class PlanSerializer(serializers.Serializer[Any]):
    """A plan anybody may choose."""

    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    limits = serializers.DictField(child=serializers.IntegerField(allow_null=True), read_only=True)
    flags = serializers.DictField(child=serializers.BooleanField(), read_only=True)
    price = serializers.SerializerMethodField(
        help_text="What this tenant pays a month; null where no price was decided and one asks for it."
    )

    @extend_schema_field(AmountSerializer(allow_null=True))
    def get_price(self, row: Plan) -> dict[str, str] | None:
        """As the tenant's own seller asks it: its reseller, or the platform."""
        price: Money | None = self.context["prices"].get(row.pk)
        return price.as_json() if price else None

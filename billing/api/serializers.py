"""Plans and entitlements as the API writes them."""

from typing import Any

from rest_framework import serializers

from billing.enums import Unit


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

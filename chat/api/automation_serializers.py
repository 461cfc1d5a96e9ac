"""Rules and macros on the wire."""

from typing import Any

from rest_framework import serializers

from chat.enums import (
    Match,
    RunState,
    Trigger,
)
from chat.models import AutomationRule, AutomationRun, Macro
from chat.queries import wire
from ops.kernel.api import StrictModelSerializer, StrictSerializer

NUMBER: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class ConditionSerializer(StrictSerializer):
    """Something that must hold."""

    field = serializers.CharField(max_length=40)
    op = serializers.CharField(max_length=20)
    value = serializers.JSONField(required=False)


class RuleSerializer(StrictModelSerializer):
    """A rule."""

    conditions = ConditionSerializer(many=True)
    actions = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = AutomationRule
        fields = [
            "id",
            "name",
            "description",
            "trigger",
            "match",
            "conditions",
            "actions",
            "active",
            "position",
            "run_count",
            "last_run_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class RuleWriteSerializer(StrictSerializer):
    """A rule. `GET automation/language/` says which fields, comparisons and actions there are."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    match = serializers.ChoiceField(choices=Match.choices, required=False)
    conditions = ConditionSerializer(many=True, required=False)
    actions = serializers.ListField(child=serializers.DictField(), max_length=20)
    active = serializers.BooleanField(required=False)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)


class DryRunSerializer(StrictSerializer):
    """On which conversation to try, by its number; the newest fifty when left out."""

    conversation = serializers.IntegerField(required=False, **NUMBER)


class TriedConditionSerializer(ConditionSerializer):
    """A condition, tried."""

    holds = serializers.BooleanField()
    found = serializers.CharField(allow_blank=True)


class TriedSerializer(StrictSerializer):
    """One conversation, tried."""

    conversation = serializers.IntegerField()
    matches = serializers.BooleanField()
    conditions = TriedConditionSerializer(many=True)
    actions = serializers.ListField(child=serializers.CharField(), help_text="What would be done, in words.")


class DryRunResultSerializer(StrictSerializer):
    """What would happen."""

    tried = serializers.IntegerField()
    matched = serializers.IntegerField()
    results = TriedSerializer(many=True)


class StepResultSerializer(StrictSerializer):
    """How one action went."""

    do = serializers.CharField()
    ok = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True)


class RunSerializer(StrictModelSerializer):
    """One run of a rule."""

    conversation = serializers.IntegerField(source="conversation.number")
    state = serializers.ChoiceField(choices=RunState.choices)
    results = StepResultSerializer(many=True)

    class Meta:
        model = AutomationRun
        fields = ["id", "conversation", "state", "results", "at"]
        read_only_fields = fields


class ChoiceSerializer(StrictSerializer):
    """One of a list."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class LanguageFieldSerializer(StrictSerializer):
    """Something that can be asked."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=["one", "many", "text", "number", "flag"])
    ops = serializers.ListField(child=serializers.CharField())
    choices = ChoiceSerializer(many=True)


class LanguageActionSerializer(StrictSerializer):
    """Something that can be done; `value` names what it needs besides `do`."""

    do = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField(allow_blank=True)
    kind = serializers.CharField(allow_blank=True)
    choices = ChoiceSerializer(many=True)
    only_macros = serializers.BooleanField()


class LanguageSerializer(StrictSerializer):
    """What rules and macros can say."""

    conditions = LanguageFieldSerializer(many=True)
    actions = LanguageActionSerializer(many=True)


class MacroSerializer(StrictModelSerializer):
    """A macro."""

    steps = serializers.ListField(child=serializers.DictField())
    owner = serializers.SerializerMethodField()

    class Meta:
        model = Macro
        fields = ["id", "name", "description", "steps", "shared", "owner", "used_count", "created_at", "updated_at"]
        read_only_fields = fields

    def get_owner(self, row: Macro) -> dict[str, Any] | None:
        """Who made it."""
        return wire.person(row.owner)


class MacroWriteSerializer(StrictSerializer):
    """A macro."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    steps = serializers.ListField(child=serializers.DictField(), max_length=20)
    shared = serializers.BooleanField(required=False)


class MacroRunSerializer(StrictSerializer):
    """To which conversation, by its number."""

    conversation = serializers.IntegerField(**NUMBER)


class MacroRunResultSerializer(StrictSerializer):
    """How each step went."""

    results = StepResultSerializer(many=True)

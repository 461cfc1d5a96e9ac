"""What people type about other systems: webhooks and keys."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.configuration.values import Values
from ops.kernel.redaction import MASK
from ops.kernel.webhooks.registry import events as known_events


class WebhookForm(forms.Form):
    """An address of another system and what it is told."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("It begins with https:// and answers a POST with 2xx within 15 seconds."),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("How you recognise it, for example: our CRM.")
    )
    events = forms.MultipleChoiceField(label=_("Events"), widget=forms.CheckboxSelectMultiple)
    enabled = forms.BooleanField(label=_("Send events to this address"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["events"].choices = [(name, event.label) for name, event in known_events.items()]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What the service takes; every event chosen means those to come as well."""
        chosen = self.cleaned_data["events"]
        return {**self.cleaned_data, "events": ["*"] if len(chosen) == len(known_events) else chosen}


class CredentialForm(forms.Form):
    """What an outside service wants to know, field by field as the setting declares it. What is not touched stays."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    def __init__(self, *args: Any, definition: Definition, values: Values, **kwargs: Any) -> None:
        self.definition = definition
        initial: dict[str, Any] = {"version": values.version}
        for one in definition.fields:
            if not one.secret:
                value = values[one.name]
                initial[one.name] = "\n".join(value) if isinstance(value, list) else value
        super().__init__(*args, **{**kwargs, "initial": initial})
        for one in definition.fields:
            self.fields[one.name] = _field_for(one, is_set=bool(values[one.name]) if one.secret else False)

    def given(self) -> dict[str, Any]:
        """The fields that were changed, as the setting takes them; an empty secret was not touched."""
        found: dict[str, Any] = {}
        for one in self.definition.fields:
            value: Any = self.cleaned_data.get(one.name)
            if one.secret:
                if value:
                    found[one.name] = value
            elif one.name in self.changed_data:
                found[one.name] = (
                    [line.strip() for line in value.splitlines() if line.strip()] if one.type is list else value
                )
        return found


def _field_for(one: Field, *, is_set: bool) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "required": one.required and not one.secret, "help_text": one.hint}
    if one.secret:
        hint = _("One is kept. Leave this empty to keep it.") if is_set else one.hint
        attributes = {"autocomplete": "off", "spellcheck": "false", "placeholder": MASK if is_set else ""}
        return forms.CharField(
            **{**common, "help_text": hint},
            strip=True,
            max_length=one.max_length,
            widget=forms.PasswordInput(attrs=attributes),
        )
    if one.choices:
        return forms.ChoiceField(**common, choices=[(value, value) for value in one.choices])
    if one.type is bool:
        return forms.BooleanField(**{**common, "required": False})
    if one.type is int:
        return forms.IntegerField(**common, min_value=one.min_value, max_value=one.max_value)
    if one.type is list:
        return forms.CharField(
            **{**common, "help_text": one.hint or _("One a line.")},
            widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        )
    return forms.CharField(
        **common,
        max_length=one.max_length,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )

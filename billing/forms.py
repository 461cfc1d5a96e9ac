"""Input of the pages that make customers: the console's short form and the sign-up."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from billing import entitlements
from billing.enums import Subject, Unit
from billing.errors import BadAmount
from billing.models import Plan
from ops.kernel.money import Money
from ops.kernel.registry import features


class CustomerForm(forms.Form):
    """A customer to be: what it is called, where it answers, what it may use, and who comes first."""

    name = forms.CharField(
        label=_("Company"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True, "data-name": ""}),
    )
    slug = forms.CharField(
        label=_("Address"),
        max_length=40,
        required=False,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "data-slug": "",
                "maxlength": 40,
            }
        ),
    )
    plan = forms.ModelChoiceField(
        label=_("Plan"), queryset=Plan.objects.none(), to_field_name="slug", widget=forms.RadioSelect, empty_label=None
    )
    owner_name = forms.CharField(
        label=_("Owner's name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    owner_email = forms.EmailField(
        label=_("Owner's e-mail"),
        max_length=254,
        help_text=_("The owner gets a link to choose a password."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["plan"]
        choice.queryset = Plan.objects.offered()
        self.fields["plan"].initial = "professional"
        self.fields["language"].initial = settings.LANGUAGE_CODE

    def answers(self) -> dict[str, Any]:
        """What was typed, as `onboarding.sign_up` takes it."""
        taken = ("name", "slug", "owner_name", "owner_email", "language")
        return {name: self.cleaned_data[name] for name in taken} | {"plan": self.cleaned_data["plan"].slug}


class SignUpForm(CustomerForm):
    """The same, filled in by the customer itself."""

    field_order = ["name", "slug", "owner_name", "owner_email", "plan", "language", "terms", "website"]
    terms = forms.BooleanField(
        label=_("I accept the terms of use and the privacy policy."),
        error_messages={"required": _("Accept the terms to go on.")},
    )
    # People do not see it; what fills in every field of a form is not a person.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner_name"].label = _("Your name")
        self.fields["owner_name"].widget.attrs["autocomplete"] = "name"
        self.fields["owner_email"].label = _("Your e-mail")
        self.fields["owner_email"].widget.attrs["autocomplete"] = "email"
        self.fields["owner_email"].help_text = _("We send a link to confirm it and to choose your password.")

    @property
    def is_caught(self) -> bool:
        """Whether the field that people do not see was filled in."""
        return bool(self.data.get("website"))


GB = 1024**3


class PlanForm(forms.ModelForm):
    """A plan with one field a limit and one switch a feature; an empty limit means that there is none."""

    class Meta:
        model = Plan
        fields = ("name", "order", "is_public")
        widgets = {
            "name": UnfoldAdminTextInputWidget,
            "order": UnfoldAdminIntegerFieldWidget,
            "is_public": UnfoldBooleanSwitchWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key in entitlements.KNOWN:
            limit = self.instance.limits.get(key)
            self.initial[f"limit {key}"] = limit // GB if limit is not None and _is_bytes(key) else limit
        for name, _one in features.items():
            self.initial[f"feature {name}"] = self.instance.flags.get(name, False)

    def clean(self) -> dict[str, Any]:
        """Put the fields back together; what this form does not know stays as it is."""
        cleaned = super().clean() or self.cleaned_data
        limits = {key: cleaned.get(f"limit {key}") for key in entitlements.KNOWN}
        sized = {key: value * GB if value is not None and _is_bytes(key) else value for key, value in limits.items()}
        self.instance.limits = {**self.instance.limits, **sized}
        self.instance.flags = {
            **self.instance.flags,
            **{name: bool(cleaned.get(f"feature {name}")) for name, _one in features.items()},
        }
        return cleaned

    @property
    def changed_columns(self) -> list[str]:
        """The columns of the plan that were changed."""
        changed = [name for name in self.changed_data if name in self.Meta.fields]
        changed += ["limits"] if any(name.startswith("limit ") for name in self.changed_data) else []
        return changed + (["flags"] if any(name.startswith("feature ") for name in self.changed_data) else [])


def plan_form() -> type[PlanForm]:
    """The form with a field for everything that can be limited or switched, known once all apps have started."""
    limits: dict[str, Any] = {
        f"limit {key}": forms.IntegerField(
            label=_label(_("%(what)s (GB)") % {"what": one.label} if _is_bytes(key) else one.label),
            required=False,
            min_value=0,
            max_value=2**31,
            help_text=_("Empty: no limit."),
            widget=UnfoldAdminIntegerFieldWidget,
        )
        for key, one in entitlements.KNOWN.items()
    }
    switches: dict[str, Any] = {
        f"feature {name}": forms.BooleanField(label=_label(one.label), required=False, widget=UnfoldBooleanSwitchWidget)
        for name, one in features.items()
    }
    return type("FullPlanForm", (PlanForm,), {**limits, **switches})


def _label(text: Any) -> Any:
    """Lazy words keep waiting for the reader's language; the stubs know them by another name."""
    return text


def _is_bytes(key: str) -> bool:
    return entitlements.KNOWN[key].unit == Unit.BYTES


class OverrideForm(forms.Form):
    """One decision beside the plan."""

    about = forms.ChoiceField(label=_("Feature or limit"))
    switch = forms.ChoiceField(
        label=_("For a feature"),
        choices=[("off", _("Off")), ("on", _("On"))],
        required=False,
        help_text=_("Only for features."),
    )
    amount = forms.IntegerField(
        label=_("For a limit"),
        required=False,
        min_value=0,
        max_value=2**40,
        help_text=_("Only for limits; storage in GB. Empty: no limit."),
    )
    until = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until it is taken back."),
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=200, required=False, help_text=_("The customer can read it.")
    )

    def __init__(self, *args: Any, resellers: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        about: Any = self.fields["about"]
        about.choices = [
            (
                _("Features"),
                [(f"{Subject.FEATURE} {name}", one.label) for name, one in features.items()],
            ),
            (_("Limits"), [(f"{Subject.LIMIT} {key}", one.label) for key, one in entitlements.KNOWN.items()]),
        ]
        if resellers is not None:
            self.fields["reseller"] = forms.ModelChoiceField(
                label=_("How far a reseller may go"),
                queryset=resellers,
                required=False,
                empty_label=_("Everybody"),
                help_text=_("Chosen: the most this reseller may give its customers. Otherwise it holds for everybody."),
            )
            self.order_fields(["reseller", "about", "switch", "amount", "until", "reason"])

    def decision(self) -> tuple[str, str, bool | int | None]:
        """What about, and the value."""
        subject, _space, key = self.cleaned_data["about"].partition(" ")
        if subject == Subject.FEATURE:
            return subject, key, self.cleaned_data["switch"] == "on"
        amount = self.cleaned_data["amount"]
        return subject, key, amount * GB if amount is not None and _is_bytes(key) else amount


class PlanChoiceForm(forms.Form):
    """The plan several customers get."""

    plan = forms.ModelChoiceField(
        label=_("New plan"),
        queryset=Plan.objects.none(),
        to_field_name="slug",
        widget=forms.RadioSelect,
        empty_label=None,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["plan"]
        choice.queryset = Plan.objects.offered()


class PriceForm(forms.Form):
    """A price and the day it begins."""

    amount = forms.CharField(
        label=_("Price a month in reais"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "197,00", "autocomplete": "off"}),
    )
    starts_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Today means from now on. Prices that were in force are never changed."),
    )

    def clean_amount(self) -> Money:
        """`1.234,56`, `1234,56` and `1234.56` are the same."""
        text = self.cleaned_data["amount"].strip().removeprefix("R$").replace(" ", "").replace("\xa0", "")
        if "," in text:
            text = text.replace(".", "").replace(",", ".")
        if not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", text, re.ASCII):
            raise forms.ValidationError(BadAmount.message, code=BadAmount.code)
        return Money.of(text, "BRL")

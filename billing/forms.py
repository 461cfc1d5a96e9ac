"""Input of the pages that make customers: the console's short form and the sign-up."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.models import Plan


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

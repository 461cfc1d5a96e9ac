"""Forms that show every kind of field; nothing is saved."""

from django import forms
from django.utils.translation import gettext_lazy as _


class EveryField(forms.Form):
    """One field of each kind."""

    name = forms.CharField(
        label=_("Company name"), help_text=_("Shown to your customers."), max_length=80, initial="Padaria Aurora"
    )
    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}), initial="ana@padaria.example"
    )
    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput(render_value=True), initial="balcao-demo"
    )
    address = forms.SlugField(label=_("Address"), initial="padaria")
    price = forms.DecimalField(label=_("Price"), max_digits=8, decimal_places=2, initial="197.00", localize=True)
    plan = forms.ChoiceField(
        label=_("Plan"), choices=[("starter", "Starter"), ("professional", "Professional"), ("business", "Business")]
    )
    about = forms.CharField(
        label=_("About"), widget=forms.Textarea, required=False, help_text=_("It grows as you write.")
    )
    logo = forms.ImageField(label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP, up to 1 MB."))
    colour = forms.CharField(label=_("Main colour"), widget=forms.ColorInput, initial="#0b6b5d")
    hours = forms.ChoiceField(
        label=_("When do you answer"),
        widget=forms.RadioSelect,
        choices=[("always", _("Always")), ("hours", _("In business hours"))],
        initial="hours",
    )
    days = forms.MultipleChoiceField(
        label=_("Days"),
        widget=forms.CheckboxSelectMultiple,
        choices=[("mon", _("Monday")), ("tue", _("Tuesday")), ("wed", _("Wednesday"))],
        initial=["mon", "wed"],
    )
    sounds = forms.BooleanField(
        label=_("Play a sound for new messages"),
        required=False,
        initial=True,
        help_text=_("Only while the page is open."),
    )
    terms = forms.BooleanField(label=_("I have read the terms of use"))
    locked = forms.CharField(label=_("Client number"), disabled=True, initial="00017")


class RefusedForm(forms.Form):
    """Three fields that were filled in wrongly."""

    email = forms.EmailField(label=_("E-mail"), help_text=_("We send the invitation there."))
    address = forms.SlugField(label=_("Address"))
    terms = forms.BooleanField(label=_("I have read the terms of use"))

    def clean(self) -> dict[str, object]:
        """Always refuses, so that the form's own error shows too."""
        self.add_error(None, _("This invitation has already been used."))
        return self.cleaned_data

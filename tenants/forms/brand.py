"""What people type about a brand and a company."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.services import naming


class BrandForm(forms.Form):
    """How a reseller, or a tenant, looks; what a tenant leaves alone comes from its reseller's brand.

    Whether colours and pictures will do is judged by the service.
    """

    display_name = forms.CharField(
        label=_("Company name"), max_length=80, required=False, help_text=_("What your customers read on their pages.")
    )
    primary_color = forms.CharField(label=_("Main colour"), max_length=7, widget=forms.ColorInput)
    secondary_color = forms.CharField(label=_("Second colour"), max_length=7, widget=forms.ColorInput)
    logo = forms.FileField(label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP, up to 2 MB."))
    favicon = forms.FileField(
        label=_("Favicon"), required=False, help_text=_("A small square picture for the browser's tab.")
    )
    email_sender_name = forms.CharField(
        label=_("E-mail sender name"),
        max_length=80,
        required=False,
        help_text=_("Left empty, the company name is used."),
    )

    remove_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    remove_favicon = forms.BooleanField(label=_("Take the favicon away"), required=False)
    custom_css = forms.CharField(
        label=_("Custom CSS"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
        help_text=_(
            "Dresses the login, the public pages, the widget and the frame around your pages. Only looks can be changed."
        ),
    )

    def changes(self) -> dict[str, Any]:
        """What was changed, as `branding.save` takes it. A file that was not chosen stays; a new one wins over taking it away."""
        found = {name: self.cleaned_data[name] for name in self.changed_data}
        for name in ("logo", "favicon"):
            if found.pop(f"remove_{name}", False) and not found.get(name):
                found[name] = None
        return found


class CompanyForm(forms.Form):
    """How a tenant is called, and the words, hours and money its people see."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("For everybody who has not chosen another one."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Dates and hours are shown in it."))
    currency = forms.ChoiceField(label=_("Currency"), choices=list(naming.CURRENCIES.items()))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in naming.time_zones()]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]

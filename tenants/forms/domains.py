"""What people type about hosts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class HostForm(forms.Form):
    """A host of the customer's own."""

    host = forms.CharField(
        label=_("New address"),
        max_length=253,
        widget=forms.TextInput(
            attrs={
                "placeholder": "chat.example.com",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        help_text=_("It answers once its DNS proves that it is the customer's."),
    )


class OwnDomainForm(HostForm):
    """A domain of the company's own, on its settings page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["host"]
        field.label = _("Your domain")
        field.help_text = _("For example chat.yourcompany.com, or the bare yourcompany.com.")
        field.widget.attrs["placeholder"] = _("chat.yourcompany.com")

"""What people type about an account's name, copies and end."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.enums import CopyMode
from tenants.services import naming

SLUG_INPUT = forms.TextInput(
    attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "maxlength": str(naming.MAX_SLUG)}
)


class AddressForm(forms.Form):
    """The address below the platform."""

    slug = forms.CharField(label=_("Address"), max_length=naming.MAX_SLUG, widget=SLUG_INPUT)


class LeaveForm(forms.Form):
    """An owner closes the account."""

    name = forms.CharField(
        label=_("Type the company's name to confirm"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        label=_("Why are you leaving?"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The company that sold you the account reads it."),
    )


class CloseForm(forms.Form):
    """Somebody of the console closes a customer's account."""

    name = forms.CharField(
        label=_("Type the customer's name to confirm"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The customer's owners read it in the letter."),
    )


class RenameForm(forms.Form):
    """Another name or address for a customer."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label=_("Address"),
        max_length=naming.MAX_SLUG,
        widget=SLUG_INPUT,
        help_text=_(
            "Pages at the old address lead to the new one for ninety days. The chat on websites goes on there."
        ),
    )


class CloneForm(forms.Form):
    """A copy of a customer."""

    name = forms.CharField(
        label=_("Name of the copy"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    slug = forms.CharField(
        label=_("Address"),
        max_length=naming.MAX_SLUG,
        required=False,
        widget=SLUG_INPUT,
        help_text=_("Made from the name when left empty."),
    )
    mode = forms.ChoiceField(
        label=_("What is copied"),
        choices=[
            (
                CopyMode.SETTINGS.value,
                _("Settings only: inboxes, hours, labels, answers, macros, bots, articles, brand, roles"),
            ),
            (CopyMode.FULL.value, _("Everything, also people and conversations; its owners are the original's")),
        ],
        initial=CopyMode.SETTINGS,
        widget=forms.RadioSelect,
    )
    owner_email = forms.EmailField(
        label=_("E-mail of the owner"),
        max_length=254,
        required=False,
        help_text=_("For a copy of the settings: the first person gets a link by letter."),
    )


class MoveDomainForm(forms.Form):
    """An own domain goes to another customer in sight."""

    host = forms.ChoiceField(label=_("Domain"))
    to = forms.CharField(
        label=_("Address of the other customer"),
        max_length=naming.MAX_SLUG,
        widget=SLUG_INPUT,
        help_text=_("The first word of its address below the platform."),
    )

    def __init__(self, *args: Any, hosts: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["host"].choices = [(host, host) for host in hosts]  # type: ignore[attr-defined]

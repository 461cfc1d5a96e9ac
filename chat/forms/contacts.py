"""What people type about contacts."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import (
    Contact,
    ContactImport,
)
from chat.services import contact_rows
from chat.services.notes import BODY_LIMIT


class ContactForm(forms.ModelForm):
    """What is known about somebody outside. The service judges e-mail and phone."""

    class Meta:
        model = Contact
        fields = ["name", "company", "email", "phone_e164", "blocked"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Numbers are typed the way people write them; the service brings them into one form.
        self.fields["phone_e164"] = forms.CharField(
            label=_("Phone"),
            max_length=30,
            required=False,
            help_text=_("With country code, or a Brazilian number such as (11) 99999-0000."),
            widget=forms.TextInput(attrs={"type": "tel"}),
        )
        self.initial["phone_e164"] = self.instance.phone
        self.fields["blocked"].help_text = _("A blocked person cannot write to you through the chat any more.")
        for name in ("name", "company", "email", "phone_e164"):
            self.fields[name].widget.attrs["autocomplete"] = "off"


class ContactNoteForm(forms.Form):
    """Something to write down about a contact."""

    body = forms.CharField(
        label=_("A new note"),
        max_length=BODY_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only your team reads it."),
    )


class SpreadsheetForm(forms.Form):
    """A file of contacts. The service finds out what it is."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
        help_text=_("Commas or semicolons, with or without accents: we find out. The first line names the columns."),
    )


class ContactColumnsForm(forms.Form):
    """What each column of a spreadsheet becomes."""

    update_known = forms.BooleanField(
        label=_("Change contacts that are known already"),
        required=False,
        help_text=_("What the file leaves empty is never emptied. Without it, known contacts stay as they are."),
    )

    def __init__(self, *args: Any, transfer: ContactImport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"update_known": transfer.update_known}
        self.width = len(transfer.headings)
        for number, heading in enumerate(transfer.headings):
            targets = dict(contact_rows.TARGETS)
            own = contact_rows.ATTRIBUTE + (heading or str(number + 1))[: contact_rows.ATTRIBUTE_NAME_LIMIT]
            targets[own] = format_lazy(_("Attribute “{name}”"), name=heading or str(number + 1))
            now = transfer.mapping[number] if number < len(transfer.mapping) else ""
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=heading, choices=list(targets.items()), required=False, initial=now
            )

    def chosen(self) -> dict[str, Any]:
        """What the service wants to know."""
        return {
            "mapping": [self.cleaned_data[f"column_{number}"] for number in range(self.width)],
            "update_known": self.cleaned_data["update_known"],
        }


class AccountImportForm(forms.Form):
    """Where a Chatwoot account is, and what opens it."""

    base_url = forms.CharField(
        label=_("Address of your Chatwoot"), max_length=290, help_text=_("Such as https://app.chatwoot.com.")
    )
    account = forms.CharField(
        label=_("Account id"), max_length=18, help_text=_("The number in the address: /app/accounts/1/.")
    )
    token = forms.CharField(
        label=_("Access token"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("An administrator's, from the end of their profile page. We forget it when the import is over."),
    )
    with_files = forms.BooleanField(
        label=_("Bring files along"), required=False, initial=True, help_text=_("They count for your plan's storage.")
    )

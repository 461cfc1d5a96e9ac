"""What people type on the pages of the counter."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chat.models import Contact, Inbox
from ops.kernel.errors import DomainError


def add_problem(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal in the form: at the field it names, else above all of them."""
    if not error.errors:
        form.add_error(None, str(error))
    for one in error.errors:
        field = {"phone": "phone_e164"}.get(one.field, one.field.split(".")[0])
        form.add_error(field if field in form.fields else None, one.detail)


class ContactForm(forms.ModelForm):
    """What is known about somebody outside. The service judges e-mail and phone."""

    class Meta:
        model = Contact
        fields = ["name", "email", "phone_e164", "blocked"]

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
        for name in ("name", "email", "phone_e164"):
            self.fields[name].widget.attrs["autocomplete"] = "off"


class WidgetForm(forms.ModelForm):
    """How the chat of a website greets, and which websites may show it."""

    allowed_origins = forms.CharField(
        label=_("Websites"),
        required=False,
        max_length=4000,
        help_text=_("One address a line, such as https://shop.example. Empty allows every website."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )

    class Meta:
        model = Inbox
        fields = ["name", "greeting", "reply_time", "offline_text", "locale"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["allowed_origins"] = "\n".join(self.instance.allowed_origins)
        self.fields["name"].help_text = _("Only your team sees this name.")
        self.fields["greeting"].help_text = _("The first thing a visitor reads.")
        self.fields["reply_time"].help_text = _("Say when somebody answers, so that nobody waits in vain.")
        self.fields["offline_text"].help_text = _("Shown while no agent is online.")
        self.fields["locale"] = forms.ChoiceField(
            label=_("Language"),
            required=False,
            choices=[("", _("The language of the page it is on")), *settings.LANGUAGES],
        )

    def clean_allowed_origins(self) -> list[str]:
        """Lines as a list; the service judges each address."""
        return [line.strip() for line in self.cleaned_data["allowed_origins"].splitlines() if line.strip()]

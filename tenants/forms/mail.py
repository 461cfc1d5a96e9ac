"""What people type about letters."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.services import wording


class SenderForm(forms.Form):
    """The address letters are to come from."""

    address = forms.EmailField(
        label=_("Sender address"),
        help_text=_("An address of your own domain that somebody reads."),
        widget=forms.EmailInput(attrs={"placeholder": _("hello@yourcompany.com"), "autocomplete": "off"}),
        max_length=254,
    )


class LetterForm(forms.Form):
    """A letter in one's own words."""

    subject = forms.CharField(label=_("Subject"), max_length=150)
    body = forms.CharField(
        label=_("Text"),
        max_length=10_000,
        strip=False,
        help_text=_("An empty line begins a paragraph, **two stars** make bold, a line that starts with - is a list."),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
    )

    def words(self) -> wording.Words:
        """What was written."""
        return wording.Words(self.cleaned_data["subject"], self.cleaned_data["body"])

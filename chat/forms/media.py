"""What people type about files, calls and Pix."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class PixForm(forms.Form):
    """To whom Pix goes."""

    key = forms.CharField(
        label=_("Pix key"),
        max_length=77,
        required=False,
        help_text=_("E-mail, phone with +55, CPF, CNPJ or random key. Empty switches Pix off."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label=_("Name of the receiver"),
        max_length=25,
        required=False,
        help_text=_("As the payer's bank shows it, up to 25 letters."),
    )
    city = forms.CharField(label=_("City of the receiver"), max_length=15, required=False)


class FilesForm(forms.Form):
    """How large a file of each kind may be."""

    image_mb = forms.IntegerField(label=_("Images, in MB"), min_value=1, max_value=50)
    document_mb = forms.IntegerField(label=_("Documents, in MB"), min_value=1, max_value=100)
    audio_mb = forms.IntegerField(label=_("Voice and audio, in MB"), min_value=1, max_value=50)
    video_mb = forms.IntegerField(
        label=_("Video, in MB"), min_value=1, max_value=200, help_text=_("WhatsApp itself takes up to 16 MB.")
    )


class AddressesField(forms.CharField):
    """Addresses, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        area = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(**{"required": False, "max_length": 2000, "widget": area, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Lines as a list; the setting judges each address."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class CallsForm(forms.Form):
    """How long a call rings, and the servers by which two browsers find each other."""

    ring_s = forms.IntegerField(label=_("Seconds a call rings"), min_value=15, max_value=50)
    stun_urls = AddressesField(label=_("STUN servers"), help_text=_("One a line, such as stun:stun.example:3478."))
    turn_urls = AddressesField(
        label=_("TURN servers"),
        help_text=_("For networks that let no direct line through. One a line, such as turn:turn.example:3478."),
    )
    turn_secret = forms.CharField(
        label=_("Shared secret of the TURN server"),
        required=False,
        max_length=200,
        help_text=_("coturn calls it static-auth-secret. It is kept encrypted and never shown again."),
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )

"""What people type about themselves."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.accounts.forms.base import PASSWORD_HELP, PASSWORD_MAX, new_password_input
from tenants.accounts.models import User


class ProfileForm(forms.ModelForm):
    """My name and the language of my pages."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Your name")
        # Colleagues and visitors read it; without one they would read an address.
        self.fields["name"].required = True
        self.fields["language"] = forms.ChoiceField(
            label=_("Language"), required=False, choices=[("", _("The language of the company")), *settings.LANGUAGES]
        )
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"), required=False, choices=[("", _("The time zone of the company")), *zones()]
        )


def zones() -> list[tuple[str, str]]:
    """Time zones of places, as "America/Sao Paulo"."""
    places = (
        name for name in sorted(available_timezones()) if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )
    return [(name, name.replace("_", " ")) for name in places]


class PictureForm(forms.Form):
    """My picture, and the square of it that is shown, as shares of its width and height."""

    picture = forms.FileField(
        label=_("File"),
        help_text=_("PNG, JPEG or WebP, at most 2 MB."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    left = forms.FloatField(required=False, min_value=0, max_value=1, widget=forms.HiddenInput)
    top = forms.FloatField(required=False, min_value=0, max_value=1, widget=forms.HiddenInput)
    side = forms.FloatField(required=False, min_value=0, max_value=1, widget=forms.HiddenInput)

    @property
    def crop(self) -> tuple[float, float, float] | None:
        """The square, when the page said one."""
        values = [self.cleaned_data.get(name) for name in ("left", "top", "side")]
        return None if None in values else (values[0], values[1], values[2])  # type: ignore[return-value]


class EmailForm(forms.Form):
    """Another address for my login; it changes once the letter sent to it is answered."""

    email = forms.EmailField(
        label=_("New e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Current password"),
        max_length=PASSWORD_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    """A new password for somebody who knows the old one."""

    current_password = forms.CharField(
        label=_("Current password"),
        max_length=PASSWORD_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_MAX,
        strip=False,
        help_text=PASSWORD_HELP,
        widget=new_password_input(),
    )


class NameForm(forms.Form):
    """What I call a passkey."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("So that you know it again: “My telephone”, “Stick in the drawer”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

"""What people type about themselves and others."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import DomainError
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.accounts.queries import roles

# The longest sensible password: hashing megabytes would be a cheap way to keep us busy.
PASSWORD_MAX = 128


def add_problem(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal in the form: at the field it names, else above all of them."""
    if not error.errors:
        form.add_error(None, str(error))
    for one in error.errors:
        form.add_error(one.field if one.field in form.fields else None, one.detail)


def offer_roles(form: forms.BaseForm, name: str, *, by: Any, kept: str = "") -> None:
    """Let a field choose among the roles `by` may give, and the one that stands there (`kept`)."""
    given = roles.choices_for(by)
    if kept and kept not in dict(given):
        given = [pair for pair in roles.choices() if pair in given or pair[0] == kept]
    field: Any = form.fields[name]
    field.choices = given


class LoginForm(forms.Form):
    """E-mail and password. What is wrong is not said field by field: that would tell who has an account."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ResetRequestForm(forms.Form):
    """The address a reset link is sent to."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )


class NewPasswordForm(forms.Form):
    """A password to be, with its rules under it."""

    password = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_MAX,
        strip=False,
        help_text=_("At least 10 characters, not only digits, and not one that everybody uses."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 10}),
    )


class WelcomeForm(NewPasswordForm):
    """First login: what others call you, and your password."""

    field_order = ["name", "password"]
    name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("Password")


class PersonForm(forms.Form):
    """Somebody new in the team."""

    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("A welcome link is sent to this address. It works for seven days."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label=_("Role"), initial=BuiltInRole.AGENT)

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_roles(self, "role", by=by)


class RoleForm(forms.Form):
    """What somebody may do from now on."""

    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_roles(self, "role", by=by, kept=self.initial.get("role", ""))


class ProfileForm(forms.ModelForm):
    """My name and the language of my pages."""

    class Meta:
        model = User
        fields = ["name", "language"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Your name")
        self.fields["language"] = forms.ChoiceField(
            label=_("Language"), required=False, choices=[("", _("The language of the company")), *settings.LANGUAGES]
        )


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
        help_text=_("At least 10 characters, not only digits, and not one that everybody uses."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 10}),
    )


class CodeForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class ConfirmForm(forms.Form):
    """Who I am, once more: the password, or a code for who has none."""

    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MAX,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label=_("Code of the authenticator app, or a recovery code"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, has_password: bool = True, has_app: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_password:
            del self.fields["password"]
        if has_password or not has_app:
            del self.fields["code"]


class NameForm(forms.Form):
    """What I call a passkey."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("So that you know it again: “My telephone”, “Stick in the drawer”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

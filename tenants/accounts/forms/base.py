"""What the forms about people share."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import DomainError
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


def new_password_input() -> forms.PasswordInput:
    """Where a password to be is typed, with an estimate of its strength under it while it is typed."""
    return forms.PasswordInput(
        attrs={
            "autocomplete": "new-password",
            "minlength": 10,
            "data-controller": "accounts/strength",
            "data-short": _("Too short"),
            "data-weak": _("Easily guessed"),
            "data-fair": _("Not bad yet"),
            "data-good": _("Good"),
            "data-strong": _("Very good"),
        }
    )


PASSWORD_HELP = _("At least 10 characters. A few words together that nobody expects are best.")

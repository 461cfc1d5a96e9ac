"""What people type about API tokens."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants.accounts.enums import BuiltInRole
from tenants.accounts.forms.base import offer_roles
from tenants.accounts.services import scopes


class TokenForm(forms.Form):
    """A token to be: what it is for, what it may do and how long it lives."""

    name = forms.CharField(
        label=_("What it is for"),
        max_length=80,
        help_text=_("You will know it again by these words, such as “Stock import”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(label=_("Ends after"), coerce=int)
    access = forms.ChoiceField(label=_("What it may do"), widget=forms.RadioSelect, initial="chosen")

    def __init__(self, *args: Any, longest: int, default: int, holds: frozenset[str] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lives = sorted({days for days in (7, 30, 60, 90, 180, 365) if days <= longest} | {longest})
        days: Any = self.fields["days"]
        days.choices = [
            (count, ngettext("%(count)s day", "%(count)s days", count) % {"count": count}) for count in lives
        ]
        days.initial = default if default in lives else longest
        access: Any = self.fields["access"]
        access.choices = [
            ("chosen", _("Only what I choose")),
            (scopes.ALL, _("Everything the role allows") if holds is None else _("Everything my role allows")),
        ]
        # A scope nobody here can use is not offered: it would promise what the role refuses.
        self.areas = [area for area in scopes.areas() if holds is None or area.writes & holds]
        for area in self.areas:
            offered = [("", _("Nothing"))]
            if area.reads and (holds is None or area.reads & holds):
                offered.append((scopes.READ, _("Look")))
            if area.writes - area.reads and (holds is None or (area.writes - area.reads) & holds):
                offered.append((scopes.WRITE, _("Look and change") if area.reads else _("Use")))
            self.fields[f"area_{area.key}"] = forms.ChoiceField(
                label=area.label, choices=offered, required=False, widget=forms.RadioSelect, initial=""
            )

    def area_fields(self) -> list[Any]:
        """The areas as fields, in their order."""
        return [self[f"area_{area.key}"] for area in self.areas]

    def clean(self) -> dict[str, Any]:
        """The scopes together."""
        data = super().clean() or {}
        chosen = [f"{area.key}:{data[f'area_{area.key}']}" for area in self.areas if data.get(f"area_{area.key}")]
        data["scopes"] = [scopes.ALL] if data.get("access") == scopes.ALL else chosen
        if not data["scopes"] and data.get("access"):
            self.add_error("access", _("Choose at least one area, or everything."))
        return data


class ServiceTokenForm(TokenForm):
    """A token that belongs to nobody, with a role of its own."""

    field_order = ["name", "role", "days", "access"]
    role = forms.ChoiceField(
        label=_("Role"),
        initial=BuiltInRole.VIEWER,
        help_text=_("It can do what this role allows, as far as you choose below."),
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, holds=None, **kwargs)
        offer_roles(self, "role", by=by)


class TokenPolicyForm(forms.Form):
    """How long tokens may live."""

    max_days = forms.IntegerField(
        label=_("Longest life in days"),
        min_value=1,
        max_value=730,
        help_text=_("For new tokens. Those that exist end when they were made to end."),
    )

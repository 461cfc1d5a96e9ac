"""What people type about each other: invitations, roles, rules."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ops.kernel.registry import open_work
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.forms.base import offer_roles
from tenants.accounts.models import User
from tenants.accounts.queries import matrix, roles
from tenants.accounts.services import invitations, rules


class InviteForm(forms.Form):
    """Who is asked to come, one or many at once."""

    addresses = forms.CharField(
        label=_("E-mail addresses"),
        max_length=20_000,
        # Help is drawn as HTML: the angle brackets have to be seen.
        help_text=escape(
            _("One or many: paste them with commas or line breaks, with names if you like (Ana <ana@empresa.com>).")
        ),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )
    role = forms.ChoiceField(label=_("Role"), initial=BuiltInRole.AGENT)
    language = forms.ChoiceField(label=_("Language of the letter"), required=False)

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_roles(self, "role", by=by)
        self.fields["language"] = forms.ChoiceField(
            label=_("Language of the letter"),
            required=False,
            choices=[("", _("The language of the company")), *settings.LANGUAGES],
        )

    def clean(self) -> dict[str, Any]:
        """Names and addresses out of what was pasted."""
        data: dict[str, Any] = super().clean() or {}
        people = invitations.addresses_in(data.get("addresses", "").replace("\x00", ""))
        if len(people) > invitations.MOST_AT_ONCE:
            self.add_error("addresses", _("At most %(count)s addresses at once.") % {"count": invitations.MOST_AT_ONCE})
        elif "addresses" in data and not people:
            self.add_error("addresses", _("Type at least one address."))
        return {**data, "people": people}


class HandOverForm(forms.Form):
    """Who takes what somebody has in hand, a choice for each kind of work that is open."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open: dict[str, int] = {}
        for key, work in open_work.items():
            count = work.count(user)
            if not count:
                continue
            self.open[key] = count
            self.fields[key] = forms.ChoiceField(
                label=_("%(work)s: %(count)s") % {"work": work.label, "count": count},
                choices=work.choices(user),
                help_text=_("Who takes them."),
            )


class RoleForm(forms.Form):
    """What somebody may do from now on."""

    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_roles(self, "role", by=by, kept=self.initial.get("role", ""))


class LoginRulesForm(forms.Form):
    """Which roles need a second factor, from when, and how long a device is trusted."""

    roles = forms.MultipleChoiceField(
        label=_("Roles that need a second factor"), required=False, widget=forms.CheckboxSelectMultiple
    )
    grace_days = forms.TypedChoiceField(
        label=_("Time to set it up"),
        coerce=int,
        help_text=_("For roles you add now. Everybody who has none yet gets a letter at once."),
    )
    trust_days = forms.TypedChoiceField(
        label=_("A device may be trusted"),
        coerce=int,
        help_text=_("Who ticks it is not asked for the second factor on that device for so long."),
    )

    def __init__(self, *args: Any, offered: Sequence[tuple[str, Any]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["roles"].choices = roles.choices() if offered is None else offered
        fields["grace_days"].choices = [
            (days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days} if days else _("None: at once"))
            for days in rules.GRACE_CHOICES
        ]
        fields["trust_days"].choices = [
            (days, ngettext("For %(days)s day", "For %(days)s days", days) % {"days": days} if days else _("Never"))
            for days in rules.TRUST_CHOICES
        ]


class RoleEditForm(forms.Form):
    """A role of the tenant's own: its name and what it allows. What `by` does not hold cannot be ticked or cleared."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        label=_("What it is for"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    permissions = forms.MultipleChoiceField(label=_("Permissions"), required=False)

    def __init__(
        self, *args: Any, own: frozenset[str] | None, held: frozenset[str] = frozenset(), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        names = {line.name for section in matrix.sections() for line in section.lines}
        self.own = frozenset(names) if own is None else own & names
        self.held = held
        field: Any = self.fields["permissions"]
        field.choices = [(name, name) for name in sorted(names)]

    def wanted(self) -> set[str]:
        """What was ticked, with what only others may change left as it was."""
        return (set(self.cleaned_data["permissions"]) & self.own) | (self.held - self.own)

    def ticked(self) -> set[str]:
        """What stands ticked on the page."""
        if not self.is_bound:
            return set(self.held)
        sent: Any = self.data
        return (set(sent.getlist("permissions")) & self.own) | (self.held - self.own)

    def sections(self) -> list[dict[str, Any]]:
        """The boxes of the page."""
        ticked = self.ticked()
        return [
            {
                "key": section.key,
                "label": section.label,
                "group": section.group if section.first else "",
                "lines": [
                    {"line": line, "ticked": line.name in ticked, "open": line.name in self.own}
                    for line in section.lines
                ],
            }
            for section in matrix.sections()
        ]

"""What people type about themselves and others."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ops.kernel.errors import DomainError
from ops.kernel.registry import open_work
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.accounts.queries import matrix, roles
from tenants.accounts.services import invitations, rules, scopes

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


class NewPasswordForm(forms.Form):
    """A password to be, with its rules under it."""

    password = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_MAX,
        strip=False,
        help_text=PASSWORD_HELP,
        widget=new_password_input(),
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


class ProfileForm(forms.ModelForm):
    """My name and the language of my pages."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Your name")
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
        label=_("Picture"),
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["roles"].choices = roles.choices()
        fields["grace_days"].choices = [
            (days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days} if days else _("None: at once"))
            for days in rules.GRACE_CHOICES
        ]
        fields["trust_days"].choices = [
            (days, ngettext("For %(days)s day", "For %(days)s days", days) % {"days": days} if days else _("Never"))
            for days in rules.TRUST_CHOICES
        ]


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


class IdentityProviderAddForm(forms.Form):
    """Which kind of login service, and what people here call it."""

    kind = forms.ChoiceField(label=_("Kind"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("As your people know it, for example: Okta, Microsoft, our intranet."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kinds: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self.fields["kind"].initial = kinds[0].value if kinds else None


class EmailDomainForm(forms.Form):
    """A domain of the company."""

    name = forms.CharField(
        label=_("Domain"),
        max_length=253,
        help_text=_("What stands behind the @ in your people's addresses."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url", "placeholder": "empresa.com.br"}
        ),
    )


_ADDRESS: dict[str, str] = {"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}
_PLAIN: dict[str, str] = {"autocomplete": "off", "spellcheck": "false"}
_BLOCK: dict[str, Any] = {"rows": 5, "spellcheck": "false", "autocomplete": "off", "class": "mono"}


class OpenIDForm(forms.Form):
    """What an OpenID Connect provider gave you."""

    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=500,
        help_text=_("The address under which /.well-known/openid-configuration answers."),
        widget=forms.URLInput(attrs=_ADDRESS),
    )
    client_id = forms.CharField(label=_("Client id"), max_length=300, widget=forms.TextInput(attrs=_PLAIN))
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=1000,
        required=False,
        help_text=_("It is stored encrypted and never shown again. Left empty, the one there is stays."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )


class SamlForm(forms.Form):
    """What a SAML provider gave you: its metadata, or the three values in it."""

    metadata_url = forms.CharField(
        label=_("Address of the metadata"),
        max_length=500,
        required=False,
        help_text=_("The best way: new certificates are then fetched by themselves, every day."),
        widget=forms.URLInput(attrs=_ADDRESS),
    )
    metadata_xml = forms.CharField(
        label=_("Metadata as XML"),
        max_length=500_000,
        required=False,
        help_text=_("When there is no address: paste the file."),
        widget=forms.Textarea(attrs=_BLOCK),
    )
    entity_id = forms.CharField(
        label=_("Entity id"), max_length=500, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    sso_url = forms.CharField(
        label=_("Login address"), max_length=500, required=False, widget=forms.URLInput(attrs=_ADDRESS)
    )
    slo_url = forms.CharField(
        label=_("Logout address"), max_length=500, required=False, widget=forms.URLInput(attrs=_ADDRESS)
    )
    certificate = forms.CharField(
        label=_("Signing certificate"), max_length=20_000, required=False, widget=forms.Textarea(attrs=_BLOCK)
    )
    next_certificate = forms.CharField(
        label=_("Next signing certificate"),
        max_length=20_000,
        required=False,
        help_text=_("While the provider changes its certificate, both are believed."),
        widget=forms.Textarea(attrs=_BLOCK),
    )
    idp_initiated = forms.BooleanField(
        label=_("Logins may begin at the provider"),
        required=False,
        help_text=_("For a tile on the provider's own page. Less safe: nobody here asked for that login."),
    )


class ArrivalForm(forms.Form):
    """Who may come in by a provider, and as what."""

    domains = forms.MultipleChoiceField(
        label=_("E-mail domains"),
        required=False,
        help_text=_("Only people with an address in these come in by this provider."),
        widget=forms.CheckboxSelectMultiple,
    )
    creates_people = forms.BooleanField(
        label=_("Add people at their first login"),
        required=False,
        help_text=_("Otherwise only people you added before come in. Each takes a seat when the role needs one."),
    )
    default_role = forms.ChoiceField(
        label=_("Role of people in none of the groups below"),
        required=False,
        help_text=_("Looked at again at every login as soon as one group has a role."),
    )
    asks_second_factor = forms.BooleanField(
        label=_("Ask for the second factor of this place too"),
        required=False,
        help_text=_("Otherwise the provider answers for how sure it is of somebody."),
    )
    email_attribute = forms.CharField(
        label=_("Field with the e-mail"), max_length=200, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    name_attribute = forms.CharField(
        label=_("Field with the name"), max_length=200, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    groups_attribute = forms.CharField(
        label=_("Field with the groups"), max_length=200, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )

    def __init__(self, *args: Any, domains: Sequence[str] = (), roles: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domains"].choices = [(name, name) for name in domains]  # type: ignore[attr-defined]
        self.fields["default_role"].choices = [("", _("Nobody without a group")), *roles]  # type: ignore[attr-defined]


class GroupRoleForm(forms.Form):
    """One group over there, one role here."""

    group = forms.CharField(label=_("Group"), max_length=200, required=False, widget=forms.TextInput(attrs=_PLAIN))
    role = forms.ChoiceField(label=_("Role"), required=False)

    def __init__(self, *args: Any, roles: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", "–"), *roles]  # type: ignore[attr-defined]


GroupRoles = forms.formset_factory(GroupRoleForm, extra=2, max_num=100, absolute_max=100)


class SwitchForm(forms.Form):
    """Whether people see a provider, and whether it is the only way in."""

    button_label = forms.CharField(
        label=_("Words of the button"),
        max_length=80,
        required=False,
        help_text=_("Left empty: “Continue with” and the name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    enabled = forms.BooleanField(label=_("Offer it on the login page"), required=False)
    enforced = forms.BooleanField(
        label=_("The only way in for people of its domains"),
        required=False,
        help_text=_(
            "Their passwords, passkeys and API logins by password stop working here. Who is logged in stays so."
            " An owner can always come back by a link to the own mailbox; every owner is then told."
        ),
    )


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

"""What people type about a company's login services."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_ADDRESS: dict[str, str] = {"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}
_PLAIN: dict[str, str] = {"autocomplete": "off", "spellcheck": "false"}
_BLOCK: dict[str, Any] = {"rows": 5, "spellcheck": "false", "autocomplete": "off", "class": "mono"}


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
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "inputmode": "url",
                "placeholder": _("yourcompany.com"),
            }
        ),
    )


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

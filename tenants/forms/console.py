"""What people type to come into a console, and about its team."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import RateLimited
from tenants.accounts.forms.people import LoginRulesForm
from tenants.accounts.services import attempts, logins
from tenants.enums import ResellerRole
from tenants.models import Reseller, ResellerMember
from tenants.queries import portfolio
from tenants.services import naming


class ConsoleLoginForm(AuthenticationForm):
    """Log in to a console. Somebody of another reseller learns where their own is, after the right password only."""

    error_messages = {
        "invalid_login": _("The e-mail or the password is not right."),
        "inactive": _("The e-mail or the password is not right."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        )
        self.fields["password"].widget.attrs["autocomplete"] = "current-password"

    def clean(self) -> dict[str, Any]:
        """The brake on guessing is the one of every login; then the password is looked at."""
        email = str(self.cleaned_data.get("username", ""))
        caller = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        device = logins.device_of(self.request.COOKIES.get("device", "")) if self.request else None
        try:
            attempts.begin(email=email, caller=caller, device=device)
        except RateLimited as error:
            raise ValidationError(str(error), code=error.code) from error
        try:
            return super().clean()
        except ValidationError as error:
            if error.code == "invalid_login":
                attempts.fail(email=email, caller=caller, device=device)
            raise

    def confirm_login_allowed(self, user: Any) -> None:
        """Only people of this console come in."""
        super().confirm_login_allowed(user)
        try:
            portfolio.scope_of(user=user, host=getattr(self.request, "reseller", None))
        except portfolio.ScopeRefused as refused:
            raise ValidationError(_why(refused.member), code="not_of_this_console") from refused


def _why(member: ResellerMember | None) -> str:
    if member is None:
        return gettext("This person has no access to a console.")
    if not member.reseller.is_active:
        return gettext("The console of %(reseller)s is switched off. Write to the platform's support.") % {
            "reseller": member.reseller
        }
    return gettext("This person belongs to the console of %(reseller)s. Log in at its own address.") % {
        "reseller": naming.in_sentence(member.reseller)
    }


class ReasonForm(forms.Form):
    """Why something is done; kept in the audit and shown to whoever asks later."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Your team sees it on the customer's page. The customer does not."),
    )


class MemberForm(forms.Form):
    """Somebody new in a reseller's team."""

    field_order = ["reseller", "name", "email", "role"]
    reseller = forms.ModelChoiceField(label=_("Reseller"), queryset=Reseller.objects.none(), empty_label=None)
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=ResellerRole,
        initial=ResellerRole.SUPPORT,
        help_text=_(
            "Support sees customers and asks to enter their pages; finance sees prices and margins; managers look after"
            " customers, brand and announcements; owners may do everything, this team included."
        ),
    )

    def __init__(self, *args: Any, resellers: QuerySet[Reseller], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["reseller"]
        choice.queryset = resellers
        # On a reseller's own host there is nothing to choose.
        if len(resellers) == 1:
            choice.initial, choice.widget = resellers[0].pk, forms.HiddenInput()


class TeamRulesForm(LoginRulesForm):
    """Which roles of a console's team need a second factor, from when, and how long a device is trusted."""

    def __init__(self, *args: Any, offered: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, offered=offered, **kwargs)
        if len(offered) == 1:
            self.fields["roles"].label = _("Who needs a second factor")


class NewResellerForm(forms.Form):
    """A reseller to be, with its first person."""

    name = forms.CharField(
        label=_("Company"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    slug = forms.CharField(
        label=_("Address"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        help_text=_("Where its console answers. Left empty, it is made from the name."),
    )
    support_email = forms.EmailField(label=_("Support e-mail"), max_length=254, required=False)
    owner_name = forms.CharField(label=_("Owner's name"), max_length=120)
    owner_email = forms.EmailField(label=_("Owner's e-mail"), max_length=254)

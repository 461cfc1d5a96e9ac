"""Input of the console's pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.configuration.values import Values
from ops.kernel.errors import RateLimited
from ops.kernel.redaction import MASK
from ops.kernel.webhooks.registry import events as known_events
from tenants.accounts.services import attempts, logins
from tenants.enums import Audience, CopyMode, ResellerRole, SupportMode, Tone
from tenants.models import Announcement, Reseller, ResellerMember
from tenants.models.support import MINUTES
from tenants.models.support import ROLES as SUPPORT_ROLES
from tenants.queries import portfolio
from tenants.services import naming, wording


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
        "reseller": member.reseller
    }


class ReasonForm(forms.Form):
    """Why something is done; kept in the audit and shown to whoever asks later."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Your team sees it on the customer's page. The customer does not."),
    )


class HostForm(forms.Form):
    """A host of the customer's own."""

    host = forms.CharField(
        label=_("New address"),
        max_length=253,
        widget=forms.TextInput(
            attrs={
                "placeholder": "chat.example.com",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        help_text=_("It answers once its DNS proves that it is the customer's."),
    )


class OwnDomainForm(HostForm):
    """A domain of the company's own, on its settings page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["host"]
        field.label = _("Your domain")
        field.help_text = _("For example chat.yourcompany.com, or the bare yourcompany.com.")
        field.widget.attrs["placeholder"] = "chat.yourcompany.com"


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


class BrandForm(forms.Form):
    """How a reseller looks. Whether colours and pictures will do is judged by the service."""

    display_name = forms.CharField(
        label=_("Company name"), max_length=80, required=False, help_text=_("What your customers read on their pages.")
    )
    primary_color = forms.CharField(label=_("Main colour"), max_length=7, widget=forms.ColorInput)
    secondary_color = forms.CharField(label=_("Second colour"), max_length=7, widget=forms.ColorInput)
    logo = forms.FileField(label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP, up to 2 MB."))
    favicon = forms.FileField(
        label=_("Favicon"), required=False, help_text=_("A small square picture for the browser's tab.")
    )
    email_sender_name = forms.CharField(
        label=_("E-mail sender name"),
        max_length=80,
        required=False,
        help_text=_("Left empty, the company name is used."),
    )

    def changes(self) -> dict[str, Any]:
        """What was changed, as `branding.save` takes it; a file that was not chosen stays."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class TenantBrandForm(BrandForm):
    """How a tenant looks on its own settings page: what is left alone comes from the reseller's brand."""

    remove_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    remove_favicon = forms.BooleanField(label=_("Take the favicon away"), required=False)
    custom_css = forms.CharField(
        label=_("Custom CSS"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
        help_text=_(
            "Dresses the login, the public pages, the widget and the frame around your pages. Only looks can be changed."
        ),
    )

    def changes(self) -> dict[str, Any]:
        """What was changed, as `branding.save` takes it; a new picture wins over taking the old one away."""
        found = super().changes()
        for name in ("logo", "favicon"):
            if found.pop(f"remove_{name}", False) and not found.get(name):
                found[name] = None
        return found


class CompanyForm(forms.Form):
    """How a tenant is called, and the words, hours and money its people see."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("For everybody who has not chosen another one."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Dates and hours are shown in it."))
    currency = forms.ChoiceField(label=_("Currency"), choices=list(naming.CURRENCIES.items()))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in naming.time_zones()]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]


SLUG_INPUT = forms.TextInput(
    attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "maxlength": str(naming.MAX_SLUG)}
)


class AddressForm(forms.Form):
    """The address below the platform."""

    slug = forms.CharField(label=_("Address"), max_length=naming.MAX_SLUG, widget=SLUG_INPUT)


class LeaveForm(forms.Form):
    """An owner closes the account."""

    name = forms.CharField(
        label=_("Type the company's name to confirm"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        label=_("Why are you leaving?"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The company that sold you the account reads it."),
    )


class CloseForm(forms.Form):
    """Somebody of the console closes a customer's account."""

    name = forms.CharField(
        label=_("Type the customer's name to confirm"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The customer's owners read it in the letter."),
    )


class RenameForm(forms.Form):
    """Another name or address for a customer."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label=_("Address"),
        max_length=naming.MAX_SLUG,
        widget=SLUG_INPUT,
        help_text=_(
            "Pages at the old address lead to the new one for ninety days. The chat on websites goes on there."
        ),
    )


class CloneForm(forms.Form):
    """A copy of a customer."""

    name = forms.CharField(
        label=_("Name of the copy"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    slug = forms.CharField(
        label=_("Address"),
        max_length=naming.MAX_SLUG,
        required=False,
        widget=SLUG_INPUT,
        help_text=_("Made from the name when left empty."),
    )
    mode = forms.ChoiceField(
        label=_("What is copied"),
        choices=[
            (
                CopyMode.SETTINGS.value,
                _("Settings only: inboxes, hours, labels, answers, macros, bots, articles, brand, roles"),
            ),
            (CopyMode.FULL.value, _("Everything, also people and conversations; its owners are the original's")),
        ],
        initial=CopyMode.SETTINGS,
        widget=forms.RadioSelect,
    )
    owner_email = forms.EmailField(
        label=_("E-mail of the owner"),
        max_length=254,
        required=False,
        help_text=_("For a copy of the settings: the first person gets a link by letter."),
    )


class MoveDomainForm(forms.Form):
    """An own domain goes to another customer in sight."""

    host = forms.ChoiceField(label=_("Domain"))
    to = forms.CharField(
        label=_("Address of the other customer"),
        max_length=naming.MAX_SLUG,
        widget=SLUG_INPUT,
        help_text=_("The first word of its address below the platform."),
    )

    def __init__(self, *args: Any, hosts: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["host"].choices = [(host, host) for host in hosts]  # type: ignore[attr-defined]


class WebhookForm(forms.Form):
    """An address of another system and what it is told."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("It begins with https:// and answers a POST with 2xx within 15 seconds."),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("How you recognise it, for example: our CRM.")
    )
    events = forms.MultipleChoiceField(label=_("Events"), widget=forms.CheckboxSelectMultiple)
    enabled = forms.BooleanField(label=_("Send events to this address"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["events"].choices = [(name, event.label) for name, event in known_events.items()]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What the service takes; every event chosen means those to come as well."""
        chosen = self.cleaned_data["events"]
        return {**self.cleaned_data, "events": ["*"] if len(chosen) == len(known_events) else chosen}


class SupportAccessForm(forms.Form):
    """Whether support may enter a company's pages."""

    mode = forms.ChoiceField(label=_("May support enter your pages?"), choices=SupportMode, widget=forms.RadioSelect)
    allowed_until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("At most ninety days. After that day support asks each time again."),
    )


class SupportRequestForm(forms.Form):
    """Why, as what and for how long support wants to enter a customer."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The customer reads it, together with your name."),
    )
    role = forms.ChoiceField(
        label=_("Act as"),
        choices=[(role.value, role.label) for role in SUPPORT_ROLES],
        initial="viewer",
        widget=forms.RadioSelect,
        help_text=_("Take the smallest one that does. Passwords, keys, payments, exports and deletions stay closed."),
    )
    minutes = forms.TypedChoiceField(
        label=_("For how long"),
        coerce=int,
        choices=[(number, ngettext_lazy("%d minute", "%d minutes", number) % number) for number in MINUTES],
        initial=30,
        widget=forms.RadioSelect,
    )


class SenderForm(forms.Form):
    """The address letters are to come from."""

    address = forms.EmailField(
        label=_("Sender address"),
        help_text=_("An address of your own domain that somebody reads."),
        widget=forms.EmailInput(attrs={"placeholder": "contato@suaempresa.com.br", "autocomplete": "off"}),
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


class AnnouncementForm(forms.Form):
    """An announcement: for whom, from when until when, and its words in both languages."""

    audience = forms.ChoiceField(label=_("For whom"), widget=forms.RadioSelect)
    plans = forms.MultipleChoiceField(label=_("Plans"), required=False, widget=forms.CheckboxSelectMultiple)
    tone = forms.ChoiceField(label=_("Tone"), choices=Tone, initial=Tone.INFO, widget=forms.RadioSelect)
    title_pt = forms.CharField(label=_("Title in Portuguese"), max_length=120, required=False)
    text_pt = forms.CharField(
        label=_("Text in Portuguese"), max_length=600, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    title_en = forms.CharField(label=_("Title in English"), max_length=120, required=False)
    text_en = forms.CharField(
        label=_("Text in English"),
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who reads a language you leave empty gets the other one."),
    )
    starts_at = forms.DateTimeField(
        label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    ends_at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Left empty, it stays until you end it."),
    )

    def __init__(
        self, *args: Any, for_platform: bool, chosen: int, plans: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        offered = [
            choice
            for choice in Audience.choices
            if (choice[0] != Audience.RESELLERS or for_platform) and (choice[0] != Audience.SELECTED or chosen)
        ]
        self.fields["audience"].choices = offered  # type: ignore[attr-defined]
        self.fields["plans"].choices = plans  # type: ignore[attr-defined]

    def answers(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data[name] for name in self.fields}

    def preview(self) -> list[dict[str, Any]]:
        """The banner in each language, from what stands in the form now."""
        said = {name: str(self.data.get(name, ""))[:600] for name in ("title_pt", "text_pt", "title_en", "text_en")}
        tone = self.data.get("tone", "")
        row = Announcement(**said)
        return [
            {"language": name, "title": title, "text": text, "tone": tone if tone in Tone.values else Tone.INFO}
            for name, (title, text) in (("pt-BR", row.words("pt-br")), ("en", row.words("en")))
            if title
        ]


class CredentialForm(forms.Form):
    """What an outside service wants to know, field by field as the setting declares it. What is not touched stays."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    def __init__(self, *args: Any, definition: Definition, values: Values, **kwargs: Any) -> None:
        self.definition = definition
        initial: dict[str, Any] = {"version": values.version}
        for one in definition.fields:
            if not one.secret:
                value = values[one.name]
                initial[one.name] = "\n".join(value) if isinstance(value, list) else value
        super().__init__(*args, **{**kwargs, "initial": initial})
        for one in definition.fields:
            self.fields[one.name] = _field_for(one, is_set=bool(values[one.name]) if one.secret else False)

    def given(self) -> dict[str, Any]:
        """The fields that were changed, as the setting takes them; an empty secret was not touched."""
        found: dict[str, Any] = {}
        for one in self.definition.fields:
            value: Any = self.cleaned_data.get(one.name)
            if one.secret:
                if value:
                    found[one.name] = value
            elif one.name in self.changed_data:
                found[one.name] = (
                    [line.strip() for line in value.splitlines() if line.strip()] if one.type is list else value
                )
        return found


def _field_for(one: Field, *, is_set: bool) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "required": one.required and not one.secret, "help_text": one.hint}
    if one.secret:
        hint = _("One is kept. Leave this empty to keep it.") if is_set else one.hint
        attributes = {"autocomplete": "off", "spellcheck": "false", "placeholder": MASK if is_set else ""}
        return forms.CharField(
            **{**common, "help_text": hint},
            strip=True,
            max_length=one.max_length,
            widget=forms.PasswordInput(attrs=attributes),
        )
    if one.choices:
        return forms.ChoiceField(**common, choices=[(value, value) for value in one.choices])
    if one.type is bool:
        return forms.BooleanField(**{**common, "required": False})
    if one.type is int:
        return forms.IntegerField(**common, min_value=one.min_value, max_value=one.max_value)
    if one.type is list:
        return forms.CharField(
            **{**common, "help_text": one.hint or _("One a line.")},
            widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        )
    return forms.CharField(
        **common,
        max_length=one.max_length,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )

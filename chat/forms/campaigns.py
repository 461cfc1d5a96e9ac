"""What people type to make a campaign: one form a kind."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.enums import CampaignBasis, CampaignKind, CampaignVisitors, Channel, ChurnBand
from chat.models import Bot, Campaign, Inbox, Label
from chat.services import campaigns, channels
from ops.kernel.errors import DomainError
from tenants.accounts.models import User

# `plan = pro`, `plan != free`, `cart ~ flour`, `cart`, `!cart`.
LINE = re.compile(r"(?P<no>!)?\s*(?P<name>[^=~!]+?)\s*(?:(?P<op>!=|=|~)\s*(?P<value>.*))?$")
OPS = {"=": "is", "!=": "is_not", "~": "contains"}
SIGNS = {op: sign for sign, op in OPS.items()}


def attrs_of(text: str) -> list[dict[str, str]]:
    """Conditions of lines. Raises `ValidationError` for a line that says none."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = LINE.match(line.strip())
        if match is None or (match["no"] and match["op"]):
            raise forms.ValidationError(_("This line is no condition: %(line)s") % {"line": line.strip()})
        op = OPS.get(match["op"] or "", "unknown" if match["no"] else "known")
        found.append({"name": match["name"], "op": op, "value": (match["value"] or "").strip()})
    return found


def lines_of(conditions: Iterable[dict[str, str]]) -> str:
    """The same as lines."""
    told = []
    for one in conditions:
        if one["op"] in SIGNS:
            told.append(f"{one['name']} {SIGNS[one['op']]} {one.get('value', '')}".strip())
        else:
            told.append(("!" if one["op"] == "unknown" else "") + one["name"])
    return "\n".join(told)


class LocalDateTime(forms.DateTimeInput):
    """A date with a time in the tenant's zone, as browsers take it."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class CampaignForm(forms.Form):
    """What both kinds have."""

    kind = CampaignKind.ONGOING
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your team reads it."))
    inbox = forms.ChoiceField(label=_("Inbox"))
    speaker = forms.ChoiceField(
        label=_("Who speaks"), required=False, help_text=_("A person also gets the answers to an invitation.")
    )
    body = forms.CharField(
        label=_("Message"),
        max_length=campaigns.BODY_LIMIT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "data-preview-body": ""}),
        help_text=_(
            "Places: {{contact.first_name|you}}, {{contact.name}}, {{contact.company}}, {{attrs.city}}, {{agent.name}}. "
            "After | stands what is said when nothing is known."
        ),
    )
    starts_at = forms.DateTimeField(label=_("Starts"), required=False, widget=LocalDateTime())
    ends_at = forms.DateTimeField(label=_("Ends"), required=False, widget=LocalDateTime())

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        if campaign is not None:
            kwargs["initial"] = self.told(campaign) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        rows = Inbox.objects.active().filter(channel__in=self.channels()).order_by("name", "pk")
        self.inboxes = {str(row.pk): row for row in rows}
        field: Any = self.fields["inbox"]
        several = len({row.channel for row in self.inboxes.values()}) > 1
        field.choices = [
            (
                key,
                f"{row.name} · {label}"
                if several and (label := str(row.get_channel_display())) != row.name
                else row.name,
            )
            for key, row in self.inboxes.items()
        ]
        speaker: Any = self.fields["speaker"]
        people = User.objects.seated().order_by("name", "pk")
        speaker.choices = [
            ("", _("The company")),
            (_("People"), [(f"user:{one.pk}", one.get_full_name() or one.email) for one in people]),
            (_("Bots"), [(f"bot:{one.pk}", one.name) for one in Bot.objects.order_by("name", "pk")]),
        ]

    def channels(self) -> tuple[str, ...]:
        """Through which it may go."""
        return (Channel.WEB,)

    @classmethod
    def told(cls, campaign: Campaign) -> dict[str, Any]:
        """A campaign as the form shows it."""
        speaker = f"user:{campaign.sender_id}" if campaign.sender_id else ""
        speaker = f"bot:{campaign.bot_id}" if campaign.bot_id else speaker
        return {
            "name": campaign.name,
            "inbox": str(campaign.inbox_id),
            "speaker": speaker,
            "body": campaign.body,
            "starts_at": campaign.starts_at,
            "ends_at": campaign.ends_at,
        }

    def fields_of(self) -> dict[str, Any]:
        """What the service takes; fields with an error are left out."""
        given = self.cleaned_data
        kind, _colon, key = given.get("speaker", "").partition(":")
        found: dict[str, Any] = {
            "sender": campaigns.sender_of(UUID(key)) if kind == "user" else None,
            "bot": campaigns.bot_of(UUID(key)) if kind == "bot" else None,
        }
        for name in ("name", "body", "starts_at", "ends_at"):
            if name in given:
                found[name] = given[name]
        if given.get("inbox"):
            found["inbox"] = campaigns.inbox_of(UUID(given["inbox"]))
        return found


class InvitationForm(CampaignForm):
    """A campaign on a website."""

    page_patterns = forms.CharField(
        label=_("Pages"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 3, "spellcheck": "false", "placeholder": "/pricing*\nshop.example/p/*\n!/checkout*"}
        ),
        help_text=_("One a line; * stands for anything, ! takes a page away. Empty: every page."),
    )
    after_s = forms.IntegerField(label=_("Wait on the page"), min_value=0, max_value=3600, initial=15)
    open_hours_only = forms.BooleanField(label=_("Only in business hours"), required=False, initial=True)
    visitors = forms.ChoiceField(
        label=_("For whom"), choices=CampaignVisitors.choices, widget=forms.RadioSelect, initial=CampaignVisitors.ALL
    )
    attrs = forms.CharField(
        label=_("Only when this is known about the visitor"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "plan = free\ncart"}),
        help_text=_("One a line: plan = free, plan != pro, cart ~ flour, cart (known), !cart (not known)."),
    )
    most_times = forms.IntegerField(label=_("Shown to each visitor at most"), min_value=1, max_value=20, initial=1)
    pause_days = forms.IntegerField(label=_("With this much time in between"), min_value=0, max_value=365, initial=7)

    @classmethod
    def told(cls, campaign: Campaign) -> dict[str, Any]:
        """As above, with where and when."""
        return super().told(campaign) | {
            "page_patterns": "\n".join(campaign.page_patterns),
            "after_s": campaign.after_s,
            "open_hours_only": campaign.open_hours_only,
            "visitors": campaign.visitors,
            "attrs": lines_of(campaign.attrs),
            "most_times": campaign.most_times,
            "pause_days": campaign.pause_days,
        }

    def clean_attrs(self) -> list[dict[str, str]]:
        """Conditions."""
        return attrs_of(self.cleaned_data["attrs"])

    def clean_page_patterns(self) -> list[str]:
        """One a line."""
        return [line.strip() for line in self.cleaned_data["page_patterns"].splitlines() if line.strip()]

    def fields_of(self) -> dict[str, Any]:
        """As above, with where and when."""
        names = (
            "page_patterns", "after_s", "open_hours_only", "visitors", "attrs", "most_times", "pause_days",
        )  # fmt: skip
        return super().fields_of() | {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class BroadcastForm(CampaignForm):
    """A campaign to a list of contacts."""

    kind = CampaignKind.ONCE
    subject = forms.CharField(label=_("Subject"), max_length=200, required=False)
    template = forms.ChoiceField(
        label=_("Template"), required=False, help_text=_("WhatsApp lets nobody write first in other words.")
    )
    values = forms.CharField(
        label=_("Values of the template"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One a line, in the order of {{1}}, {{2}}, …; the places above may be used."),
    )
    labels = forms.MultipleChoiceField(
        label=_("Had a conversation with one of these labels"), required=False, widget=forms.CheckboxSelectMultiple
    )
    without_labels = forms.MultipleChoiceField(
        label=_("And none with one of these"), required=False, widget=forms.CheckboxSelectMultiple
    )
    active_days = forms.IntegerField(label=_("Wrote within"), min_value=1, max_value=3650, required=False)
    quiet_days = forms.IntegerField(label=_("Has written nothing for"), min_value=1, max_value=3650, required=False)
    company = forms.CharField(label=_("Company"), max_length=120, required=False)
    risk = forms.MultipleChoiceField(
        label=_("Risk of not coming back"),
        choices=ChurnBand.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    attrs = forms.CharField(
        label=_("What is known about the contact"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "plan = free"}),
        help_text=_("One a line: plan = free, plan != pro, cart (known), !cart (not known)."),
    )
    basis = forms.ChoiceField(
        label=_("Legal basis (LGPD)"),
        choices=CampaignBasis.choices,
        widget=forms.RadioSelect,
        initial=CampaignBasis.CONSENT,
    )
    per_minute = forms.IntegerField(label=_("Pace"), min_value=1, max_value=600, initial=30)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = [(str(row.pk), row.name) for row in Label.objects.order_by("name", "pk")]
        for name in ("labels", "without_labels"):
            field: Any = self.fields[name]
            field.choices = rows
        self.templates, self.template_problem = self._templates()
        choice: Any = self.fields["template"]
        choice.choices = [
            ("", "—"),
            *((key, f"{row['name']} ({row['language']})") for key, row in self.templates.items()),
        ]

    def channels(self) -> tuple[str, ...]:
        """Where somebody can be written to first."""
        return campaigns.SENDABLE

    def _templates(self) -> tuple[dict[str, dict[str, Any]], str]:
        """The approved templates of every WhatsApp inbox, and why there are none."""
        found: dict[str, dict[str, Any]] = {}
        problem = ""
        for inbox in self.inboxes.values():
            if inbox.channel != Channel.WHATSAPP:
                continue
            try:
                found |= {f"{row['name']}|{row['language']}": row for row in channels.templates(inbox=inbox)}
            except DomainError as error:
                problem = str(error)
        return found, problem

    @classmethod
    def told(cls, campaign: Campaign) -> dict[str, Any]:
        """As above, with the list."""
        template, wanted = campaign.template, campaign.audience
        return super().told(campaign) | {
            "subject": campaign.subject,
            "template": f"{template['name']}|{template['language']}" if template else "",
            "values": "\n".join(template.get("values", [])),
            "labels": wanted.get("labels", []),
            "without_labels": wanted.get("without_labels", []),
            "active_days": wanted.get("active_days"),
            "quiet_days": wanted.get("quiet_days"),
            "company": wanted.get("company", ""),
            "risk": wanted.get("risk", []),
            "attrs": lines_of(wanted.get("attrs", [])),
            "basis": campaign.basis,
            "per_minute": campaign.per_minute,
        }

    def clean_attrs(self) -> list[dict[str, str]]:
        """Conditions."""
        return attrs_of(self.cleaned_data["attrs"])

    def audience(self) -> dict[str, Any]:
        """The list, as far as it was said."""
        names = ("labels", "without_labels", "active_days", "quiet_days", "company", "risk", "attrs")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}

    def fields_of(self) -> dict[str, Any]:
        """As above, with the list."""
        given = self.cleaned_data
        found = super().fields_of() | {"audience": self.audience()}
        for name in ("subject", "basis", "per_minute"):
            if name in given:
                found[name] = given[name]
        name, _bar, language = given.get("template", "").partition("|")
        values = [line.strip() for line in given.get("values", "").splitlines() if line.strip()]
        found["template"] = {"name": name, "language": language, "values": values} if name else {}
        return found


FORMS: dict[str, type[CampaignForm]] = {
    CampaignKind.ONGOING: InvitationForm,
    CampaignKind.ONCE: BroadcastForm,
}

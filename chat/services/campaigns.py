"""Campaigns: written, started, held, ended. What they do on websites and to lists stands in `invitations` and `broadcasts`."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.enums import (
    CampaignBasis,
    CampaignKind,
    CampaignState,
    CampaignVisitors,
    Channel,
    ChannelState,
    ChurnBand,
)
from chat.errors import CampaignMoved, ChannelNotConnected, TemplateUnknown
from chat.models import Bot, Campaign, ChannelAccount, Contact, Inbox, Label
from chat.queries import wire
from chat.services import channels
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from tenants.accounts.models import User

BODY_LIMIT = 1000
MOST_PATTERNS, MOST_ATTRS = 30, 10
OPS = ("is", "is_not", "contains", "known", "unknown")
# Channels where somebody can be written to first.
SENDABLE = (Channel.EMAIL, Channel.WHATSAPP, Channel.TELEGRAM)
EVERYBODY = ("name", "inbox", "sender", "bot", "body", "starts_at", "ends_at")
FIELDS = {
    CampaignKind.ONGOING: {
        *EVERYBODY, "page_patterns", "after_s", "open_hours_only", "visitors", "attrs", "most_times", "pause_days",
    },
    CampaignKind.ONCE: {*EVERYBODY, "subject", "template", "audience", "basis", "per_minute"},
}  # fmt: skip
# From where a step begins.
STEPS: dict[str, dict[CampaignState, CampaignState]] = {
    "pause": {CampaignState.RUNNING: CampaignState.PAUSED, CampaignState.SCHEDULED: CampaignState.PAUSED},
    "stop": {
        CampaignState.RUNNING: CampaignState.STOPPED,
        CampaignState.PAUSED: CampaignState.STOPPED,
        CampaignState.SCHEDULED: CampaignState.STOPPED,
    },
}
# What a text may name; after `|` stands what is said when nothing is known: `{{contact.first_name|you}}`.
PLACE = re.compile(r"\{\{\s*([a-z_]+\.[a-z_0-9]+)\s*(?:\|([^{}|]{0,60}))?\}\}")
BRACES = re.compile(r"\{\{.{0,100}?\}\}")
# Channels with a provider's account between us and the reader.
PROVIDED = {Channel.EMAIL, Channel.TELEGRAM, Channel.WHATSAPP}
PLACES: dict[str, Callable[[Contact | None, Campaign], str]] = {
    "contact.name": lambda contact, campaign: contact.name if contact else "",
    "contact.first_name": lambda contact, campaign: contact.name.split(" ")[0] if contact else "",
    "contact.company": lambda contact, campaign: contact.company if contact else "",
    "agent.name": lambda contact, campaign: campaign.sender.get_full_name() if campaign.sender else "",
    "inbox.name": lambda contact, campaign: campaign.inbox.name,
}


def filled(text: str, *, contact: Contact | None, campaign: Campaign) -> str:
    """The words for one person. An unknown place stays to be seen; `attrs.<name>` is an attribute of the contact."""

    def value(match: re.Match[str]) -> str:
        name, instead = match[1], (match[2] or "").strip()
        if name.startswith("attrs."):
            return str((contact.attrs if contact else {}).get(name.removeprefix("attrs."), "")) or instead
        fill = PLACES.get(name)
        return match[0] if fill is None else fill(contact, campaign) or instead

    return PLACE.sub(value, text)


@transaction.atomic
def create(*, kind: str, by: Any, now: datetime, **fields: Any) -> Campaign:
    """Write a campaign down as a draft. Raises `Invalid`."""
    if kind not in CampaignKind.values:
        raise Invalid(field="kind")
    campaign = Campaign(kind=kind, created_by=by)
    _fill(campaign, fields)
    campaign.save()
    audit.record("chat.campaign_created", by=by, on=campaign, now=now)
    return campaign


@transaction.atomic
def change(*, campaign: Campaign, by: Any, now: datetime, **fields: Any) -> Campaign:
    """Change a campaign that is not over. Raises `CampaignMoved` for another one, `Invalid`.

    Once its list is fixed a one-off campaign keeps its words and its people: everybody gets the same.
    """
    campaign = _locked(campaign)
    over = campaign.state in (CampaignState.DONE, CampaignState.STOPPED)
    if over or campaign.listed_at is not None:
        raise _moved(campaign)
    _fill(campaign, fields)
    if campaign.state in (CampaignState.RUNNING, CampaignState.SCHEDULED):
        _complete(campaign, now=now)
    campaign.save()
    audit.record("chat.campaign_changed", by=by, on=campaign, detail={"fields": sorted(fields)}, now=now)
    return campaign


def require_complete(*, campaign: Campaign, now: datetime) -> None:
    """Whether it could start as it is. Raises `Invalid` at the field that is missing or wrong."""
    _complete(campaign, now=now)


@transaction.atomic
def start(*, campaign: Campaign, by: Any, now: datetime) -> Campaign:
    """Let a draft run, or go on after a pause. A one-off one waits for its `starts_at`. Raises `CampaignMoved`, `Invalid`."""
    campaign = _locked(campaign)
    if campaign.state not in (CampaignState.DRAFT, CampaignState.PAUSED):
        raise _moved(campaign)
    _complete(campaign, now=now)
    before = campaign.state
    campaign.state = CampaignState.RUNNING
    if campaign.kind == CampaignKind.ONCE and campaign.listed_at is None:
        campaign.state = CampaignState.SCHEDULED
        campaign.starts_at = campaign.starts_at or now
    campaign.save(update_fields=["state", "starts_at", "updated_at"])
    audit.record("chat.campaign_started", by=by, on=campaign, detail={"from": before}, now=now)
    return campaign


@transaction.atomic
def pause(*, campaign: Campaign, by: Any, now: datetime) -> Campaign:
    """Show and send nothing until it is started again. Raises `CampaignMoved`."""
    return _step(campaign, "pause", by=by, now=now)


@transaction.atomic
def stop(*, campaign: Campaign, by: Any, now: datetime) -> Campaign:
    """End it for good; who has not got it gets nothing. Raises `CampaignMoved`."""
    return _step(campaign, "stop", by=by, now=now)


def _step(campaign: Campaign, name: str, *, by: Any, now: datetime) -> Campaign:
    campaign = _locked(campaign)
    wanted = STEPS[name].get(CampaignState(campaign.state))
    if wanted is None:
        raise _moved(campaign)
    campaign.state = wanted
    campaign.done_at = now if wanted == CampaignState.STOPPED else None
    campaign.save(update_fields=["state", "done_at", "updated_at"])
    audit.record(f"chat.campaign_{wanted}", by=by, on=campaign, now=now)
    return campaign


@transaction.atomic
def copy(*, campaign: Campaign, name: str, by: Any, now: datetime) -> Campaign:
    """The same again as a draft, without its people and its dates."""
    made = Campaign(kind=campaign.kind, created_by=by)
    for field in sorted(FIELDS[CampaignKind(campaign.kind)] - {"starts_at", "ends_at"}):
        setattr(made, field, getattr(campaign, field))
    made.name = name.strip()[:120] or campaign.name
    made.save()
    audit.record("chat.campaign_created", by=by, on=made, detail={"from": str(campaign.pk)}, now=now)
    return made


@transaction.atomic
def delete(*, campaign: Campaign, by: Any, now: datetime) -> None:
    """Remove a campaign and its figures; conversations stay. Raises `CampaignMoved` while it runs."""
    campaign = _locked(campaign)
    if campaign.state in (CampaignState.RUNNING, CampaignState.SCHEDULED):
        raise _moved(campaign)
    audit.record("chat.campaign_deleted", by=by, on=campaign, now=now)
    campaign.delete()


def _locked(campaign: Campaign) -> Campaign:
    rows = Campaign.objects.select_related("inbox", "sender", "bot").select_for_update(of=("self",))
    return rows.get(pk=campaign.pk)


def _moved(campaign: Campaign) -> CampaignMoved:
    return CampaignMoved(state=CampaignState(campaign.state).label)


# --- What is written -----------------------------------------------------------------------------------


def _fill(campaign: Campaign, fields: dict[str, Any]) -> None:
    unknown = set(fields) - FIELDS[CampaignKind(campaign.kind)]
    if unknown:
        raise Invalid(field=sorted(unknown)[0])
    for name, value in fields.items():
        setattr(campaign, name, CHECKS[name](value) if name in CHECKS else value)
    if not campaign.name:
        raise _wrong("name", _("Give it a name."))
    _check_inbox(campaign)
    if campaign.sender is not None and not (
        campaign.sender.is_active and campaign.sender.has_perm("chat.reply_conversation")
    ):
        raise _wrong("sender", _("Choose somebody who answers conversations."))
    if campaign.sender is not None and campaign.bot is not None:
        raise _wrong("bot", _("Either a person or a bot speaks."))
    if campaign.starts_at and campaign.ends_at and campaign.ends_at <= campaign.starts_at:
        raise _wrong("ends_at", _("It must end after it starts."))
    if "template" in fields:
        _check_template(campaign)


def _check_inbox(campaign: Campaign) -> None:
    if campaign.inbox_id is None:
        raise _wrong("inbox", _("Choose an inbox."))
    allowed = (Channel.WEB,) if campaign.kind == CampaignKind.ONGOING else SENDABLE
    if campaign.inbox.channel not in allowed:
        raise _wrong("inbox", _("This kind of campaign cannot use that inbox."))


def _check_template(campaign: Campaign) -> None:
    """WhatsApp lets nobody write first in free words: an approved template with as many values as it takes."""
    given = campaign.template
    if campaign.inbox.channel != Channel.WHATSAPP or not given:
        campaign.template = {}
        return
    values = [str(value).strip()[:1024] for value in given.get("values", [])]
    for row in channels.templates(inbox=campaign.inbox):
        if (row["name"], row["language"]) == (given.get("name"), given.get("language")):
            if len(values) != row["values"] or not all(values):
                raise TemplateUnknown(field="template")
            campaign.template = {
                "name": row["name"], "language": row["language"], "values": values, "body": row["body"],
            }  # fmt: skip
            return
    raise TemplateUnknown(field="template")


def _complete(campaign: Campaign, *, now: datetime) -> None:
    """What a draft may lack and a running campaign may not. Raises `Invalid`."""
    whatsapp = campaign.inbox.channel == Channel.WHATSAPP
    if whatsapp and not campaign.template:
        raise _wrong("template", _("Choose an approved template: WhatsApp allows nothing else to write first."))
    if not whatsapp and not campaign.body:
        raise _wrong("body", _("Write what it says."))
    if campaign.kind == CampaignKind.ONCE and campaign.inbox.channel == Channel.EMAIL and not campaign.subject:
        raise _wrong("subject", _("A mail needs a subject."))
    for field in ("subject", "body"):
        if unknown := _unknown_places(getattr(campaign, field)):
            raise _wrong(
                field, _("Nothing is known as %(place)s: it would be sent as it stands.") % {"place": unknown[0]}
            )
    if not campaign.inbox.active:
        raise _wrong("inbox", _("This inbox is switched off."))
    if campaign.inbox.channel in PROVIDED and not _is_connected(campaign.inbox):
        raise _wrong("inbox", ChannelNotConnected.message)
    if campaign.ends_at is not None and campaign.ends_at <= now:
        raise _wrong("ends_at", _("That is over already."))


def _unknown_places(text: str) -> list[str]:
    """What stands in braces and nobody fills in."""
    known = {match[0] for match in PLACE.finditer(text) if match[1] in PLACES or match[1].startswith("attrs.")}
    return [place for place in BRACES.findall(text) if place not in known]


def _is_connected(inbox: Inbox) -> bool:
    return ChannelAccount.objects.filter(inbox=inbox).exclude(state=ChannelState.NEW).exists()


def _wrong(field: str, words: Promise | str) -> Invalid:
    return Invalid(words, field=field)


def _words(limit: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        return str(value).replace("\r\n", "\n").strip()[:limit]

    return check


def _number(name: str, low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not isinstance(value, int) or not low <= value <= high:
            raise _wrong(name, _("From %(low)s to %(high)s.") % {"low": low, "high": high})
        return value

    return check


def _body(value: Any) -> str:
    text = str(value).replace("\r\n", "\n").strip()
    if len(text) > BODY_LIMIT:
        raise _wrong("body", _("At most %(limit)s characters.") % {"limit": BODY_LIMIT})
    return text


def _patterns(value: Any) -> list[str]:
    kept = [str(one).strip()[:300] for one in value if str(one).strip()]
    if len(kept) > MOST_PATTERNS:
        raise _wrong("page_patterns", _("At most %(count)s pages.") % {"count": MOST_PATTERNS})
    return kept


def _attrs(field: str) -> Callable[[Any], list[dict[str, str]]]:
    def check(value: Any) -> list[dict[str, str]]:
        kept: list[dict[str, str]] = []
        for one in value:
            name, op = str(one.get("name", "")).strip()[:60], one.get("op")
            if not name and not one.get("value"):
                continue
            if not name or op not in OPS or len(kept) >= MOST_ATTRS:
                raise _wrong(field, _("Say which attribute, and what it must be."))
            kept.append({"name": name, "op": op, "value": str(one.get("value", "")).strip()[:200]})
        return kept

    return check


def _audience(value: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in ("labels", "without_labels"):
        keys = {str(key) for key in value.get(name) or []}
        if keys:
            found = {str(key) for key in Label.objects.filter(pk__in=keys).values_list("pk", flat=True)}
            if found != keys:
                raise _wrong("audience", _("One of the labels does not exist."))
            kept[name] = sorted(found)
    for name in ("active_days", "quiet_days"):
        if value.get(name):
            kept[name] = _number("audience", 1, 3650)(value[name])
    if value.get("inbox"):
        if not Inbox.objects.filter(pk=value["inbox"]).exists():
            raise _wrong("audience", _("That inbox does not exist."))
        kept["inbox"] = str(value["inbox"])
    if str(value.get("company") or "").strip():
        kept["company"] = str(value["company"]).strip()[:120]
    risk = list(value.get("risk") or [])
    if any(one not in ChurnBand.values for one in risk):
        raise _wrong("audience", _("Choose low, medium or high."))
    if risk:
        kept["risk"] = sorted(risk)
    attrs = _attrs("audience")(value.get("attrs") or [])
    if any(one["op"] == "contains" for one in attrs):
        raise _wrong("audience", _("A list compares whole values."))
    if attrs:
        kept["attrs"] = attrs
    unknown = set(value) - {
        "labels",
        "without_labels",
        "active_days",
        "quiet_days",
        "inbox",
        "company",
        "risk",
        "attrs",
    }
    if unknown:
        raise _wrong("audience", _("The list cannot be made by “%(name)s”.") % {"name": sorted(unknown)[0]})
    return kept


def _choice(field: str, values: Any) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in values:
            raise Invalid(field=field)
        return str(value)

    return check


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _words(120),
    "subject": _words(200),
    "body": _body,
    "page_patterns": _patterns,
    "after_s": _number("after_s", 0, 3600),
    "visitors": _choice("visitors", CampaignVisitors.values),
    "attrs": _attrs("attrs"),
    "most_times": _number("most_times", 1, 20),
    "pause_days": _number("pause_days", 0, 365),
    "audience": _audience,
    "basis": _choice("basis", CampaignBasis.values),
    "per_minute": _number("per_minute", 1, 600),
}


def speaker(campaign: Campaign) -> dict[str, Any]:
    """Who a campaign speaks as, in the public's words; an empty name is the company."""
    if campaign.sender is not None:
        return wire.for_visitor(wire.person(wire.with_alias(campaign.sender))) or {"id": None, "name": ""}
    return {"id": None, "name": campaign.bot.name if campaign.bot is not None else ""}


def bot_of(key: UUID | None) -> Bot | None:
    """A bot by its id. Raises `Invalid`."""
    return _one(Bot.objects.all(), key, "bot")


def sender_of(key: UUID | None) -> User | None:
    """A person who answers conversations, by id. Raises `Invalid`."""
    return _one(User.objects.seated(), key, "sender")


def inbox_of(key: UUID | None) -> Inbox | None:
    """An active inbox by its id. Raises `Invalid`."""
    return _one(Inbox.objects.active().select_related("account"), key, "inbox")


def _one(rows: Any, key: UUID | None, field: str) -> Any:
    if key is None:
        return None
    found = rows.filter(pk=key).first()
    if found is None:
        raise Invalid(field=field)
    return found

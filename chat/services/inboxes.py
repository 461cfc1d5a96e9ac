"""Inboxes: the ways in."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import entitlements
from chat.enums import Channel
from chat.errors import InboxInUse
from chat.events import AgentAvailable
from chat.models import Conversation, Inbox, InboxMember
from chat.models.inbox import default_features
from chat.services import catalogue, pre_chat, teams
from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from ops.kernel.outbox import services as outbox

# What an inbox says until somebody writes their own.
USUAL_WORDS = {
    "greeting": gettext_lazy("Hello! How can we help?"),
    "offline_text": gettext_lazy(
        "We are away right now. Leave your message and we will answer as soon as we are back."
    ),
    "reply_time": gettext_lazy("We usually answer within a few minutes."),
}
CHANGEABLE = {
    "name",
    "active",
    "allowed_origins",
    "locale",
    "greeting",
    "offline_text",
    "reply_time",
    "features",
    "reopen_days",
    "retention_days",
    "pre_chat_fields",
    "consent_text",
    "appearance",
}
APPEARANCE: dict[str, tuple[Any, ...]] = {
    "position": ("right", "left"),
    "theme": ("auto", "light", "dark"),
    "team": (True, False),
    "sound": (True, False),
}
LABEL_LIMIT = 24
CONSENT_LIMIT = 600
LONGEST_KEPT_DAYS = 3650
BAD_ORIGIN = gettext_lazy("Write a website address such as https://shop.example, without a path.")


@transaction.atomic
def create(
    *, name: str, channel: str = Channel.WEB, by: Any = None, now: datetime | None = None, **fields: Any
) -> Inbox:
    """Add an inbox within the plan; one of another channel is made by `channels.create`. Raises `LimitReached`, `Invalid`."""
    _require_room()
    inbox = Inbox(name=name, channel=channel)
    _fill(inbox, fields)
    inbox.save()
    audit.record("chat.inbox_created", by=by, on=inbox, now=now)
    catalogue.changed("inboxes")
    return inbox


@transaction.atomic
def change(*, inbox: Inbox, by: Any, now: datetime | None = None, **fields: Any) -> Inbox:
    """Change an inbox's settings. Raises `Invalid`, and `LimitReached` when one more would take messages again."""
    if fields.get("active") and not inbox.active:
        _require_room()
    _fill(inbox, fields)
    inbox.save()
    audit.record("chat.inbox_changed", by=by, on=inbox, detail={"fields": sorted(fields)}, now=now)
    catalogue.changed("inboxes")
    return inbox


@transaction.atomic
def delete(*, inbox: Inbox, by: Any, now: datetime | None = None) -> None:
    """Remove an inbox nobody has written through. Raises `InboxInUse` for another one: it can be switched off."""
    if Conversation.objects.filter(inbox=inbox).exists():
        raise InboxInUse()
    audit.record("chat.inbox_deleted", by=by, on=inbox, now=now)
    try:
        with transaction.atomic():
            inbox.delete()
    except ProtectedError as error:
        raise InboxInUse() from error
    catalogue.changed("inboxes")


@transaction.atomic
def set_members(*, inbox: Inbox, members: Iterable[UUID], by: Any, now: datetime | None = None) -> None:
    """Say to whom this inbox's conversations are handed out; to everybody when nobody is named. Raises `NotAnAgent`.

    Whoever is deactivated cannot be chosen, and keeps the place for the day they come back.
    """
    wanted = {person.pk for person in teams.agents_among(members)}
    gone, _each = InboxMember.objects.filter(inbox=inbox, user__is_active=True).exclude(user__in=wanted).delete()
    known = set(InboxMember.objects.filter(inbox=inbox).values_list("user_id", flat=True))
    InboxMember.objects.bulk_create(InboxMember(inbox=inbox, user_id=key) for key in sorted(wanted - known))
    if gone or wanted - known:
        audit.record("chat.inbox_members_changed", by=by, on=inbox, detail={"people": len(wanted)}, now=now)
        for key in sorted(wanted - known):
            outbox.publish(AgentAvailable(user_id=str(key)))
        catalogue.changed("inboxes")


def _require_room() -> None:
    """Whoever counts inboxes waits for whoever else does: two at once must not both see the last place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{connection.schema_name}:chat.inboxes"])
    entitlements.require("chat.inboxes", 1)


def lay_out(tenant: Any) -> None:
    """Make the inbox a new tenant starts with, in the tenant's language; nothing changes when one exists."""
    if Inbox.objects.exists():
        return
    with translation.override(tenant.language):
        Inbox.objects.create(
            name=_("Website"),
            **{field: str(words) for field, words in USUAL_WORDS.items()},
        )


def words_for_visitors(inbox: Inbox) -> dict[str, str]:
    """Greeting and its like: the company's own words; those nobody touched in the visitor's language."""
    said = {field: str(getattr(inbox, field)) for field in USUAL_WORDS}
    return {
        field: str(usual) if said[field] in _in_every_language(field) else said[field]
        for field, usual in USUAL_WORDS.items()
    }


@lru_cache(maxsize=8)
def _in_every_language(field: str) -> frozenset[str]:
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(str(USUAL_WORDS[field]))
    return frozenset(found)


def _fill(inbox: Inbox, fields: dict[str, Any]) -> None:
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"These are no settings of an inbox: {', '.join(sorted(unknown))}.")
    for field, value in fields.items():
        if field == "consent_text":
            _ask_for_consent(inbox, value)
        elif field in KEPT_AS:
            setattr(inbox, field, KEPT_AS[field](inbox, value))
        else:
            setattr(inbox, field, value)


def _ask_for_consent(inbox: Inbox, text: str) -> None:
    """Another text is another version; who agreed to an older one agreed to that. Empty stops asking."""
    text = text.strip()
    if len(text) > CONSENT_LIMIT:
        raise Invalid(_("Up to %(limit)s characters.") % {"limit": CONSENT_LIMIT}, field="consent_text")
    if text == (inbox.consent[-1]["text"] if inbox.consent else ""):
        return
    since = timezone.now().isoformat(timespec="seconds")
    inbox.consent = [*inbox.consent, {"version": len(inbox.consent) + 1, "text": text, "since": since}]


def _appearance(inbox: Inbox, wanted: dict[str, Any]) -> dict[str, Any]:
    """Looks that are known; what is left out stays."""
    kept = dict(inbox.appearance)
    for name, value in wanted.items():
        if name == "label":
            label = str(value).strip()
            if len(label) > LABEL_LIMIT:
                raise Invalid(_("Up to %(limit)s characters.") % {"limit": LABEL_LIMIT}, field="appearance.label")
            kept["label"] = label
        elif value in APPEARANCE.get(name, ()):
            kept[name] = value
        else:
            raise Invalid(field=f"appearance.{name}")
    return kept


def _features(inbox: Inbox, wanted: dict[str, Any]) -> dict[str, Any]:
    """Switches that exist; what is left out stays."""
    unknown = set(wanted) - set(default_features())
    if unknown:
        raise Invalid(field=f"features.{min(unknown)}")
    return {**inbox.features, **{name: bool(value) for name, value in wanted.items()}}


KEPT_AS: dict[str, Callable[[Inbox, Any], Any]] = {
    "allowed_origins": lambda inbox, value: _origins(value),
    "pre_chat_fields": lambda inbox, value: pre_chat.checked(value),
    "appearance": _appearance,
    "features": _features,
}


def _origins(values: list[str]) -> list[str]:
    """Website addresses as browsers send them, each once."""
    found: list[str] = []
    for position, value in enumerate(values):
        origin = _origin(value)
        if origin is None:
            raise Invalid(errors=[FieldError(f"allowed_origins.{position}", "invalid", str(BAD_ORIGIN))])
        if origin not in found:
            found.append(origin)
    return found


def _origin(value: str) -> str | None:
    try:
        parts = urlsplit(value.strip().lower())
        port = parts.port
    except ValueError:
        return None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path not in {"", "/"}
        or parts.query
        or parts.username
    ):
        return None
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")

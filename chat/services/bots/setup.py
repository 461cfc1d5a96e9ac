"""Making and changing bots."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.enums import BotKind
from chat.models import Article, Bot, Inbox
from chat.models.bot import webhook_secret
from chat.services.bots import handing
from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid

CHANGEABLE = {
    "name",
    "kind",
    "active",
    "locale",
    "hours",
    "greeting",
    "miss_text",
    "handoff_text",
    "away_text",
    "threshold",
    "max_misses",
    "keywords",
    "resolve_when_helped",
    "flow",
    "instructions",
    "webhook_url",
}
MOST_STEPS, MOST_BUTTONS, MOST_KEYWORDS = 20, 6, 30
DOES = ("text", "article", "step", "person")


@transaction.atomic
def create(
    *, name: str, by: Any = None, inboxes: list[Inbox] | None = None, now: datetime | None = None, **fields: Any
) -> Bot:
    """Add a bot, at these inboxes. Raises `Invalid`."""
    bot = Bot(name=name)
    _fill(bot, fields)
    bot.save()
    audit.record("chat.bot_created", by=by, on=bot, now=now)
    if inboxes is not None:
        stand_at(bot=bot, inboxes=inboxes, by=by, now=now)
    return bot


@transaction.atomic
def change(
    *, bot: Bot, by: Any = None, inboxes: list[Inbox] | None = None, now: datetime | None = None, **fields: Any
) -> Bot:
    """Change a bot. Conversations it is in go on under the new rules. Raises `Invalid`."""
    bot = Bot.objects.select_for_update().get(pk=bot.pk)
    was_active = bot.active
    _fill(bot, fields)
    bot.save()
    if was_active and not bot.active:
        handing.release(bot=bot, now=now or timezone.now())
    audit.record("chat.bot_changed", by=by, on=bot, detail={"fields": sorted(fields)}, now=now)
    if inboxes is not None:
        stand_at(bot=bot, inboxes=inboxes, by=by, now=now)
    return bot


@transaction.atomic
def delete(*, bot: Bot, by: Any = None, now: datetime | None = None) -> None:
    """Remove a bot; what it said stays in the conversations, and those that wait for it come to the queue."""
    handing.release(bot=bot, now=now or timezone.now())
    audit.record("chat.bot_deleted", by=by, on=bot, now=now)
    bot.delete()


@transaction.atomic
def renew_secret(*, bot: Bot, by: Any = None, now: datetime | None = None) -> str:
    """A new secret for both sides of a program's signatures; the old one stops at once."""
    secret = webhook_secret()
    Bot.objects.filter(pk=bot.pk).update(webhook_secret=secret)
    audit.record("chat.bot_secret_replaced", by=by, on=bot, now=now)
    return secret


def stand_at(*, bot: Bot, inboxes: list[Inbox], by: Any = None, now: datetime | None = None) -> None:
    """Put the bot at exactly these inboxes; a bot that stood there before leaves."""
    wanted = [inbox.pk for inbox in inboxes]
    left = Inbox.objects.filter(bot=bot).exclude(pk__in=wanted).update(bot=None)
    came = Inbox.objects.filter(pk__in=wanted).exclude(bot=bot).update(bot=bot)
    if left or came:
        names = sorted(inbox.name for inbox in inboxes)
        audit.record("chat.bot_placed", by=by, on=bot, detail={"inboxes": names}, now=now)


def _fill(bot: Bot, fields: dict[str, Any]) -> None:
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"These are no settings of a bot: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(bot, name, value.replace("\x00", "").strip() if isinstance(value, str) else value)
    if not bot.name:
        raise Invalid(_("Give it a name."), field="name")
    if bot.locale and bot.locale not in dict(settings.LANGUAGES):
        raise Invalid(_("Choose one of the listed languages."), field="locale")
    if not 5 <= bot.threshold <= 95:
        raise Invalid(_("Choose a number from 5 to 95."), field="threshold")
    if not 1 <= bot.max_misses <= 10:
        raise Invalid(_("Choose a number from 1 to 10."), field="max_misses")
    bot.keywords = _keywords(bot.keywords)
    bot.flow = _flow(bot.flow)
    parts = urlsplit(bot.webhook_url)
    if bot.webhook_url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise Invalid(_("Write a full address such as https://bot.example/hook."), field="webhook_url")
    if bot.kind == BotKind.WEBHOOK and bot.active and not bot.webhook_url:
        raise Invalid(_("Write the address of your program."), field="webhook_url")


def _keywords(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise Invalid(_("Write words, one a line."), field="keywords")
    found = list(dict.fromkeys(" ".join(one.split())[:60] for one in values if one.strip()))
    if len(found) > MOST_KEYWORDS:
        raise Invalid(_("At most %(limit)s words.") % {"limit": MOST_KEYWORDS}, field="keywords")
    return found


def _flow(flow: Any) -> dict[str, Any]:
    """The flow with nothing in it that is not known. Raises `Invalid` naming the step and the button."""
    steps = flow.get("steps") if isinstance(flow, dict) else None
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise Invalid(_("A flow is a list of at most %(limit)s steps.") % {"limit": MOST_STEPS}, field="flow")
    problems: list[FieldError] = []
    clean = []
    keys = [str(step.get("key", ""))[:40] for step in steps if isinstance(step, dict)]
    if len(set(keys)) != len(steps) or not all(keys):
        raise Invalid(_("Every step needs a name of its own."), field="flow")
    for number, step in enumerate(steps):
        text = str(step.get("text", "")).strip()[:600]
        if not text:
            problems.append(FieldError(f"flow.{number}.text", "required", _("Write what the bot says.")))
        buttons = step.get("buttons", [])
        if not isinstance(buttons, list) or len(buttons) > MOST_BUTTONS:
            problems.append(
                FieldError(
                    f"flow.{number}.buttons", "too_many", _("At most %(limit)s buttons.") % {"limit": MOST_BUTTONS}
                )
            )
            continue
        made = [_button(one, keys, f"flow.{number}.buttons.{place}", problems) for place, one in enumerate(buttons)]
        clean.append({"key": keys[number], "text": text, "buttons": made})
    if problems:
        raise Invalid(errors=problems)
    return {"steps": clean}


def _button(one: Any, keys: list[str], path: str, problems: list[FieldError]) -> dict[str, str]:
    button = one if isinstance(one, dict) else {}
    label, does, value = (str(button.get(name, "")).strip() for name in ("label", "do", "value"))
    if not label or len(label) > 40:
        problems.append(FieldError(f"{path}.label", "invalid", _("Give the button up to 40 letters.")))
    if does not in DOES:
        problems.append(FieldError(f"{path}.do", "invalid", _("Choose what the button does.")))
    elif does == "text" and not value:
        problems.append(FieldError(f"{path}.value", "required", _("Write the answer.")))
    elif does == "step" and value not in keys:
        problems.append(FieldError(f"{path}.value", "invalid", _("There is no step of this name.")))
    elif does == "article" and not Article.objects.published().filter(slug=value).exists():
        problems.append(FieldError(f"{path}.value", "invalid", _("There is no published article of this address.")))
    return {"label": label, "do": does, "value": "" if does == "person" else value[:600]}

"""What the pages of the counter need beside the house's own tags."""

import re
from datetime import datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from chat.enums import Status
from chat.models import Conversation
from ops.kernel.money import Money
from tenants.templatetags.ui import icon, money

register = template.Library()

# The same rule as static/js/chat/format.js: only web and mail addresses become links, nothing is parsed as HTML.
LINK = re.compile(
    r"\bhttps?://[^\s<>\"']+|\bwww\.[^\s<>\"']+\.[^\s<>\"']+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", re.IGNORECASE
)
TRAILING = re.compile(r"[.,;:!?)\]}]+$")
TONES = {Status.OPEN: "green", Status.SNOOZED: "blue", Status.PENDING: "amber", Status.RESOLVED: ""}
STATUS_ICONS = {Status.SNOOZED: "alarm-clock", Status.RESOLVED: "circle-check"}
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def linked(text: str) -> SafeString:
    """A message's text with its addresses as safe links; line breaks are kept by the stylesheet."""
    parts: list[str] = []
    end = 0
    for match in LINK.finditer(text):
        shown = match.group()
        tail = TRAILING.search(shown)
        # A bracket that was opened inside the address belongs to it.
        if tail and not (tail.group().startswith(")") and "(" in shown):
            shown = shown[: tail.start()]
        parts.append(escape(text[end : match.start()]))
        if shown.lower().startswith(("http:", "https:", "www.")):
            address = shown if shown.lower().startswith("http") else f"https://{shown}"
            parts.append(
                format_html(
                    '<a href="{}" target="_blank" rel="noopener noreferrer nofollow ugc">{}</a>', address, shown
                )
            )
        else:
            parts.append(format_html('<a href="mailto:{}">{}</a>', shown, shown))
        end = match.start() + len(shown)
    parts.append(escape(text[end:]))
    return mark_safe("".join(parts))  # noqa: S308 — every piece was escaped above


@register.filter
def safe_address(value: str) -> str:
    """An address a visitor's browser told us, when it may stand in a link."""
    return value if value.lower().startswith(("http://", "https://")) else "#"


@register.simple_tag
def age(moment: datetime) -> SafeString:
    """How long ago, short enough for a narrow list; the exact time on hover. `lib` modules keep it fresh."""
    local, now = timezone.localtime(moment), timezone.localtime()
    minutes = int((now - local).total_seconds() // 60)
    days = (now.date() - local.date()).days
    if minutes < 1:
        said = gettext("now")
    elif minutes < 60:
        said = f"{minutes} min"
    elif days <= 0:
        said = formats.time_format(local, "H:i")
    elif days == 1:
        said = gettext("yesterday")
    elif days < 7:
        said = _short(formats.date_format(local, "D"))
    else:
        said = f"{local.day} {_short(formats.date_format(local, 'M'))}"
    return format_html('<time datetime="{}" data-age>{}</time>', moment.isoformat(), said)


def _short(word: str) -> str:
    """A weekday or month cut short as the browser writes it: `nov.` in Portuguese, `Nov` in English."""
    return f"{word.lower().rstrip('.')}." if (get_language() or "").startswith("pt") else word


@register.simple_tag
def status_badge(conversation: Conversation) -> SafeString:
    """Where a conversation stands, in a word with its colour and sign."""
    status = Status(conversation.status)
    tone = f" badge-{TONES[status]}" if TONES[status] else ""
    sign = icon(STATUS_ICONS[status], 12) if status in STATUS_ICONS else ""
    dot = " badge-dot" if not sign and tone else ""
    return format_html('<span class="badge{}{}">{}{}</span>', tone, dot, sign, status.label)


@register.filter
def browser(agent: str) -> str:
    """`Chrome · Windows` from a user agent line; the line itself when it says neither."""
    found = [next((name for mark, name in known if mark in agent), "") for known in (BROWSERS, SYSTEMS)]
    return " · ".join(part for part in found if part) or agent[:40]


@register.filter
def clock(seconds: float | None) -> str:
    """`1:03` from 63 seconds; nothing from nothing."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


@register.filter
def amount(value: dict[str, str] | None) -> str:
    """`R$ 20,00` from an amount as the API says it."""
    if not isinstance(value, dict):
        return ""
    try:
        return money(Money.of(str(value.get("amount", "")), str(value.get("currency", "BRL"))))
    except (ValueError, ArithmeticError):
        return ""

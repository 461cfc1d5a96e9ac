"""Small words every page needs: icons, initials, times, money, and the map from controller names to modules."""

import json
import pickle
import time
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import lucide
from django import template
from django.conf import settings
from django.db import connection
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from tenants.services import naming

register = template.Library()
register.filter("in_sentence", naming.in_sentence)

AVATAR_COLOURS = 8
# Particles do not make a good second initial: "Ana da Silva" is AS, not AD.
PARTICLES = {"da", "das", "de", "do", "dos", "e", "van", "von"}
# Drawings of panels, a few kilobytes each; when there are more, all are forgotten.
PANELS_KEPT = 512
_panels: dict[tuple[Any, ...], SafeString] = {}
BARE_CURRENCIES = {"BRL": "R$", "USD": "US$", "EUR": "€", "GBP": "£"}


@lru_cache(maxsize=512)
def _icon(name: str, size: int, css: str) -> str:
    # `_render_icon` copies an XML tree each time; a page has thirty icons, so the text is kept.
    drawn = {"aria_hidden": "true", "focusable": "false"} | ({"class": css} if css else {})
    return lucide._render_icon(name, size, **drawn)


@register.simple_tag
def icon(name: str, size: int = 20, css: str = "") -> SafeString:
    """An icon that says nothing to a screen reader; the words stand beside it or on the control."""
    return mark_safe(_icon(str(name) + "", int(size), str(css)))  # noqa: S308  icons come from the installed package


@register.filter
def initials(name: object) -> str:
    """One or two letters for an avatar: first and last name, particles skipped."""
    words = [word for word in str(name or "").replace("@", " ").split() if word.lower() not in PARTICLES]
    letters = [word[0] for word in words if word[0].isalnum()]
    if not letters:
        return "?"
    return (letters[0] + (letters[-1] if len(letters) > 1 else "")).upper()


@register.filter
def avatar_colour(name: object) -> int:
    """A colour number from 1 to 8 that stays with the name on every page and process."""
    return sha256(str(name or "").strip().lower().encode()).digest()[0] % AVATAR_COLOURS + 1


@register.filter
def money(value: Any) -> str:
    """`R$ 1.234,56` in Portuguese, `R$1,234.56` in English. Takes anything with `amount` and `currency`."""
    if value in (None, ""):
        return ""
    symbol = BARE_CURRENCIES.get(value.currency, value.currency)
    number = formats.number_format(abs(value.amount), decimal_pos=2, force_grouping=True)
    sign = "-" if value.amount < 0 else ""
    # A no-break space keeps sign and number on one line.
    space = "\N{NO-BREAK SPACE}" if (get_language() or "").startswith("pt") or symbol.isalpha() else ""
    return f"{sign}{symbol}{space}{number}"


def relative_words(value: datetime, now: datetime) -> str:
    """`now`, `5 min ago`, `yesterday`, up to a week; afterwards the date."""
    past = now - value
    if past < timedelta(0):
        return short_date(value)
    if past < timedelta(minutes=1):
        return gettext("now")
    if past < timedelta(hours=1):
        return gettext("%(count)s min ago") % {"count": int(past.total_seconds() // 60)}
    days = (timezone.localdate(now) - timezone.localdate(value)).days
    if days == 0 or past < timedelta(hours=6):
        return gettext("%(count)s h ago") % {"count": int(past.total_seconds() // 3600)}
    if days == 1:
        return gettext("yesterday")
    if days < 7:
        return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}
    return short_date(value)


@register.filter
def short_date(value: datetime) -> str:
    """`22 nov. 2026`."""
    local = timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
    return _short_date(local.year, local.month, local.day, get_language())


@lru_cache(maxsize=1024)
def _short_date(year: int, month: int, day: int, language: str | None) -> str:
    # A list says the same few days again and again, and the names of months are looked up each time.
    on = date(year, month, day)
    if (language or "").startswith("pt"):
        return f"{day} {formats.date_format(on, 'M').lower().rstrip('.')}. {year}"
    return f"{day} {formats.date_format(on, 'M').capitalize()} {year}"


@register.simple_tag
def ago(value: datetime | None) -> SafeString | str:
    """A `<time>` in relative words with the exact time on hover; `lib/time.js` keeps it fresh."""
    if not value:
        return ""
    return format_html(
        '<time datetime="{}" title="{}, {}" data-ago>{}</time>',
        value.isoformat(),
        short_date(value),
        timezone.localtime(value).strftime("%H:%M"),
        relative_words(value, timezone.now()),
    )


def _script_names() -> list[str]:
    """Modules under `static/js/` that a page may ask for: all but the start and the library."""
    names = {
        path.relative_to(folder).as_posix()
        for folder in settings.STATICFILES_DIRS
        for path in Path(folder, "js").rglob("*.js")
    }
    return sorted(name for name in names if not name.startswith("js/lib/") and name != "js/app.js")


def _controllers() -> dict[str, str]:
    return {str(PurePosixPath(name).relative_to("js").with_suffix("")): static(name) for name in _script_names()}


_remembered_controllers = lru_cache(maxsize=1)(lambda: json.dumps(_controllers(), separators=(",", ":")))


@register.simple_tag
def controllers() -> str:
    """Controller name to the address of its module, as JSON for `static/js/app.js`.

    Hashed names are known only to the server, and a second, unhashed copy of a module would keep its
    own state; so the page says where each module is.
    """
    if settings.DEBUG:
        return json.dumps(_controllers(), separators=(",", ":"))
    return _remembered_controllers()


@register.filter
def as_switch(field: Any) -> SafeString:
    """A checkbox that screen readers announce as a switch, on or off."""
    return field.as_widget(attrs={"role": "switch"})


@register.filter
def sections(words: str) -> list[str]:
    """A list from words with spaces between them, for fixed lists in a template."""
    return words.split()


@register.filter
def first_word(text: object) -> str:
    """The name somebody is greeted by: "Ana" of "Ana Souza", "ana" of "ana@padaria.example"."""
    words = str(text or "").replace("@", " ").split()
    return words[0] if words else ""


@register.simple_tag(takes_context=True)
def panel(context: template.Context, shown: Any) -> SafeString:
    """A registered panel: its own template with its own context and nothing of the page around it."""
    if not shown.kept or settings.DEBUG:
        return render_to_string(shown.template, shown.context, request=context.get("request"))
    key = (
        getattr(connection, "schema_name", ""),
        shown.template,
        get_language(),
        timezone.get_current_timezone_name(),
        int(time.time() // 60),  # words such as "two minutes ago" are as old as that
        pickle.dumps(shown.context),
    )
    drawn = _panels.get(key)
    if drawn is None:
        if len(_panels) >= PANELS_KEPT:
            _panels.clear()
        drawn = _panels[key] = render_to_string(shown.template, shown.context)
    return drawn


@register.filter
def grouped(number: Any) -> str:
    """A whole number as people write it: `10.000` in Portuguese, `10,000` in English."""
    return formats.number_format(number, decimal_pos=0, force_grouping=True)

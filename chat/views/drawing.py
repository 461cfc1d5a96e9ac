"""Lines of the thread and rows of the list as HTML, written out in Python.

A page draws forty of each, and a template for each cost more than all the rest of the page. Lines have the same markup
as `static/js/chat/lines.js`; what every line repeats is kept to what a reader sees, so that a screenful of messages
stays below two hundred elements.
"""

from collections.abc import Container, Hashable, Iterable
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

from chat.enums import Channel, Direction, Priority, Status
from chat.queries.console import Row
from chat.templatetags.chat import age, linked
from chat.views import words
from chat.views.lines import Line
from tenants.templatetags.kept import Drawings
from tenants.templatetags.ui import avatar_colour, icon, initials

# Kinds whose body is plain words; the others have a card of their own in `chat/_card.html`.
PLAIN = frozenset({"text", "attachment"})
CHANNEL_ICONS = {
    "web": "globe",
    "api": "code-xml",
    "email": "mail",
    "whatsapp": "message-circle",
    "telegram": "send",
}
# Rows of the list, about two kilobytes each; the minute is part of what they show.
ROWS_KEPT = LINES_KEPT = 2048
_rows, _lines = Drawings(ROWS_KEPT), Drawings(LINES_KEPT)
OURS = frozenset({Direction.OUT.value, Direction.BOT.value})
FLAGGED = frozenset({Priority.URGENT.value, Priority.HIGH.value})


def thread(lines: Iterable[Line]) -> SafeString:
    """All lines, with the marks between them."""
    return mark_safe(_lines.each(list(lines), _line))  # noqa: S308 — `_line` escapes what people wrote


def _line(one: Line) -> str:
    said = words.console()
    marks = ""
    if one.day:
        marks = f'<p class="chat-day">{escape(one.day)}</p>'
    if one.is_news:
        marks += f'<p class="chat-news" data-before="{one.key}"><span>{escape(said["news"])}</span></p>'
    local = timezone.localtime(one.at)
    clock, instant = f"{local:%H:%M}", local.isoformat()
    if one.kind == Direction.ACTIVITY:
        return (
            f'{marks}<p class="chat-activity" data-line data-key="{one.key}" data-id="{one.id}" data-seq="{one.seq}"'
            f' data-kind="activity" data-at="{instant}">{escape(one.text)} <time datetime="{instant}">{clock}</time></p>'
        )
    name = escape(one.name)
    label = escape(
        str(said["noteLabel"] if one.private else said["lineLabel"])
        % {"name": one.name or said["visitor"], "time": clock}
    )
    flags = "".join(
        (
            f' data-state="{one.state}"' if one.state else "",
            " data-edited" if one.edited else "",
            " data-gone" if one.gone else "",
        )
    )
    return (
        f'{marks}<div class="chat-message" data-line data-key="{one.key}" data-id="{one.id}" data-seq="{one.seq}"'
        f' data-kind="{one.kind}" data-shape="{one.shape}" data-author="{one.author}" data-name="{name}"'
        f' data-at="{instant}" data-private="{_flag(one.private)}" data-mine="{_flag(one.mine)}"'
        f' data-first="{_flag(one.first)}" data-last="{_flag(one.last)}"{flags} tabindex="-1" role="article"'
        f' aria-label="{label}">{_face(one)}{_author(one, said)}{_quote(one)}{_body(one, said)}'
        f"{_stamp(one, clock, said)}{_error(one)}</div>"
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _face(one: Line) -> str:
    if one.kind != Direction.IN or not one.last:
        return ""
    return (
        f'<span class="avatar avatar-{avatar_colour(one.name)} chat-face" data-part="face" aria-hidden="true">'
        f"{escape(initials(one.name))}</span>"
    )


def _author(one: Line, said: dict[str, Any]) -> str:
    speaks = one.private or one.kind == Direction.BOT or (one.kind == Direction.OUT and not one.mine)
    if not (one.first and speaks):
        return ""
    who = one.name or str(said["automatic"])
    shown = escape(str(said["noteBy"]) % {"name": who} if one.private else who)
    return f'<p class="chat-author" data-part="author">{shown}</p>'


def _quote(one: Line) -> str:
    if one.quote is None:
        return ""
    quote = one.quote
    return (
        f'<a class="chat-quote" href="#{quote.id}" data-quoted="{quote.id}" data-part="quote">'
        f"<strong>{escape(quote.name)}</strong> {escape(quote.text)}</a>"
    )


def _body(one: Line, said: dict[str, Any]) -> str:
    if one.gone:
        return f'<div class="chat-bubble" data-part="text">{escape(said["gone"])}</div>'
    parts: list[str] = []
    if one.shape not in PLAIN:
        parts.append(render_to_string("chat/_card.html", {"line": one, "meta": one.meta}))
    elif one.html:
        parts.append(f'<div class="chat-bubble chat-formatted" data-part="text" dir="auto">{one.html}</div>')
    elif one.text or not one.attachments:
        parts.append(f'<div class="chat-bubble" data-part="text" dir="auto">{linked(one.text)}</div>')
    if one.attachments:
        parts.append(render_to_string("chat/_attachments.html", {"attachments": one.attachments}))
    return "".join(parts)


def _stamp(one: Line, clock: str, said: dict[str, Any]) -> str:
    if not (one.last or one.edited):
        return ""
    edited = f"{escape(said['edited'])} · " if one.edited else ""
    tick = ""
    if one.state and one.state != "failed":
        word = escape(said["states"][one.state])
        tick = (
            f'<span class="chat-tick" role="img" data-tick="{one.state}" aria-label="{word}" data-tip="{word}"></span>'
        )
    return f'<p class="chat-stamp" data-part="stamp">{edited}{clock}{tick}</p>'


def _error(one: Line) -> str:
    """A message a channel refused: its own words, and the way to try again."""
    if one.state != "failed":
        return ""
    return render_to_string("chat/_undelivered.html", {"line": one})


# --- Rows of the list -------------------------------------------------------------------------------


def rows(
    found: Iterable[Row], *, query: str, here: Container[str], opened: str, user: Any, now: datetime
) -> SafeString:
    """Every row, with its box for choosing several."""
    me, minute = str(user.pk), int(now.timestamp() // 60)
    shown: list[Hashable] = [
        (one, query, one.contact_id in here, one.pk == opened, one.assignee_id == me, minute) for one in found
    ]
    return mark_safe(_rows.each(shown, lambda values: _row(values, now)))  # noqa: S308 — `_row` escapes what people wrote


def _row(values: tuple[Row, str, bool, bool, bool, int], now: datetime) -> str:
    one, query, is_here, is_open, is_mine, _minute = values
    said = words.console()
    tail = f"?{escape(query)}" if query else ""
    name = escape(one.who)
    unread = one.unread
    dot = '<span class="dot dot-green"></span>' if is_here else ""
    preview = one.preview or "…"
    answered = "" if one.preview and one.preview_direction in OURS else " hidden"
    current = ' aria-current="true"' if is_open else ""
    counted = ngettext("%(count)s unread", "%(count)s unread", unread) % {"count": unread}
    return (
        f'<li class="chat-row" id="row-{one.pk}" data-row data-conversation="{one.pk}" data-number="{one.number}"'
        f' data-contact="{one.contact_id}" data-assignee="{one.assignee_id}" data-unread="{unread}"'
        f"{' data-is-unread' if unread else ''}>"
        f'<label class="chat-row-check"><input type="checkbox" value="{one.number}" data-select-conversation'
        f' aria-label="{escape(str(said["choose"]) % {"name": one.who})}"></label>'
        f'<a class="chat-row-link" href="/chat/c/{one.number}{tail}" data-open'
        f"{current}>"
        f'<span class="avatar avatar-{avatar_colour(one.who)}"><span aria-hidden="true">{escape(initials(one.who))}</span>'
        f'{dot}</span><span class="chat-row-main"><span class="chat-row-head">'
        f'<span class="chat-row-name" data-part="name">{name}</span>{_label_dots(one)}'
        f'<span class="chat-row-channel" data-tip="{escape(one.inbox)}">{icon(CHANNEL_ICONS.get(one.channel, "inbox"), 12)}'
        f'<span class="visually-hidden">{escape(_channel(one.channel))}</span></span>'
        f'<span class="chat-row-age" data-part="age">{age(one.at)}</span></span>'
        f'<span class="chat-row-foot"><span class="chat-row-answered" data-part="answered"{answered}>{icon("reply", 12)}'
        f'<span class="visually-hidden">{escape(said["answered"])}</span></span><span class="chat-row-preview" data-part="preview">{escape(preview)}</span>'
        f'<span class="chat-row-marks"><span class="avatar-stack" data-part="viewers"></span>{_ring(one, said, now)}'
        f"{_flag_mark(one)}{_state_mark(one)}{'' if is_mine else _holder(one)}"
        f'<span class="count" data-part="count"{"" if unread else " hidden"}><span aria-hidden="true"'
        f' data-part="number">{unread}</span><span class="visually-hidden">{escape(counted)}</span></span>'
        f"</span></span></span></a></li>"
    )


def _channel(value: str) -> str:
    return str(Channel(value).label) if value in Channel.values else value


def _label_dots(one: Row) -> str:
    if not one.labels:
        return ""
    dots = "".join(f'<i class="label-dot label-{escape(color)}"></i>' for color, _ in one.labels)
    names = escape(", ".join(name for _, name in one.labels))
    return f'<span class="chat-row-labels" role="img" aria-label="{names}" data-tip="{names}">{dots}</span>'


def _ring(one: Row, said: dict[str, Any], now: datetime) -> str:
    """How much of the promised time is left, as a ring that empties."""
    clock = one.clock
    if clock is None:
        return ""
    left = (clock.due_at - now).total_seconds()
    part = max(0, min(100, round(100 * left / max(1, clock.target_s))))
    state = "broken" if left <= 0 else "warned" if clock.warned or (clock.warn_at and clock.warn_at <= now) else "kept"
    minutes = max(0, round(abs(left) / 60))
    shown = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    word = escape(str(said["slaBroken"] if left <= 0 else said["slaLeft"]) % {"time": shown})
    return (
        f'<svg class="chat-ring" data-ring="{state}" viewBox="0 0 16 16" role="img" aria-label="{word}"><title>{word}</title>'
        f'<circle cx="8" cy="8" r="6"/><circle cx="8" cy="8" r="6" pathLength="100" stroke-dasharray="{part} 100"/></svg>'
    )


def _flag_mark(one: Row) -> str:
    if one.priority not in FLAGGED:
        return ""
    word = escape(Priority(one.priority).label)
    return (
        f'<span class="chat-priority chat-priority-{one.priority}">{icon("flag", 14)}'
        f'<span class="visually-hidden">{word}</span></span>'
    )


def _state_mark(one: Row) -> str:
    sign = {Status.SNOOZED.value: "alarm-clock", Status.RESOLVED.value: "circle-check", Status.PENDING.value: "pause"}
    if one.status not in sign:
        return ""
    word = escape(Status(one.status).label)
    return (
        f'<span class="chat-row-state">{icon(sign[one.status], 14)}<span class="visually-hidden">{word}</span></span>'
    )


def _holder(one: Row) -> str:
    if not one.assignee_id:
        return ""
    name = escape(one.holder)
    face = f'<img src="{escape(one.holder_face)}" alt="">' if one.holder_face else escape(initials(one.holder))
    return (
        f'<span class="avatar avatar-small avatar-{avatar_colour(one.holder)}" role="img"'
        f' aria-label="{name}" data-tip="{name}">{face}</span>'
    )

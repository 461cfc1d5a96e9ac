"""The reseller's own log: who of its team did what, and what was done to its customers."""

import csv
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit.models import AuditEntryQuerySet
from tenants.console import Menu, Page, formula_free, pages, site
from tenants.enums import ConsoleRight
from tenants.queries import trail
from tenants.queries.portfolio import Scope

PAGE_SIZE = 50
MAX_PAGE = 2_000
IN_A_FILE = 20_000


def log(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first, by words, days and what it was about; the same as a file."""
    assert scope.reseller is not None, "the page is there at a reseller's only"
    return answer(
        request,
        trail.of_reseller(scope.reseller),
        {
            "title": gettext("Log"),
            "hint": gettext("What your team did here, and what was done to your customers. Nobody can change it."),
            "groups": (
                ("", gettext("Everything")),
                ("customers", gettext("Customers")),
                ("team", gettext("Team and logins")),
                ("company", gettext("My company")),
            ),
        },
    )


def answer(request: HttpRequest, entries: AuditEntryQuerySet, context: dict[str, Any]) -> HttpResponse:
    """A page of the log, or all that was asked for as a file."""
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:100] for name in ("q", "group", "from", "until")}
    first, last = _day(asked["from"]), _day(asked["until"])
    entries = trail.search(trail.in_group(entries, asked["group"]), asked["q"])
    if first:
        entries = entries.filter(at__gte=_midnight(first))
    if last:
        entries = entries.filter(at__lt=_midnight(last + timedelta(days=1)))
    if request.GET.get("format") == "csv":
        return _csv(entries.newest_first()[:IN_A_FILE])
    number = _number(request.GET.get("page", ""))
    start = (number - 1) * PAGE_SIZE
    # One more than fits says whether there is an older page; a long log is not counted for that.
    rows = list(entries.newest_first()[start : start + PAGE_SIZE + 1])
    kept = {name: value for name, value in asked.items() if value}
    frame = {
        "rows": [{"entry": row, "words": trail.words_of(row)} for row in rows[:PAGE_SIZE]],
        "asked": {**asked, "from": first.isoformat() if first else "", "until": last.isoformat() if last else ""},
        "chips": [
            {"label": label, "url": "?" + urlencode({**kept, "group": key}), "current": asked["group"] == key}
            for key, label in context.pop("groups", ())
        ],
        "is_narrowed": bool(kept),
        "csv_url": "?" + urlencode({**kept, "format": "csv"}),
        "previous_url": "?" + urlencode(kept | {"page": str(number - 1)}) if number > 1 else "",
        "next_url": "?" + urlencode(kept | {"page": str(number + 1)}) if len(rows) > PAGE_SIZE else "",
    }
    return site.frame(request, "console/log.html", {**frame, **context})


def _number(text: str) -> int:
    return min(max(int(text), 1), MAX_PAGE) if text.isdecimal() and len(text) < 6 else 1


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The ends of the calendar cannot be moved to another time zone.
    return day if day is not None and 1970 <= day.year <= 9000 else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _csv(entries: AuditEntryQuerySet) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="log-{timezone.localdate():%Y-%m-%d}.csv"'
    writer = csv.writer(response)
    heads = (gettext("when"), gettext("person"), gettext("what"), gettext("about"), gettext("detail"))
    writer.writerow([capfirst(head) for head in heads])
    for entry in entries:
        values = (entry.actor_label, entry.action_label, entry.object_label, trail.words_of(entry))
        writer.writerow([timezone.localtime(entry.at).isoformat(), *(formula_free(value) for value in values)])
    return response


def history(request: HttpRequest, opts: Any, row: Any, entries: AuditEntryQuerySet) -> HttpResponse:
    """What was done to one row."""
    title = gettext("History of %(name)s") % {"name": row}
    hint = gettext("What was done to it, newest first. Nobody can change it.")
    context = {"opts": opts, "original": row, "title": title, "crumb": gettext("History"), "hint": hint}
    return answer(request, entries, context)


site.history_page = history
pages.register(
    "tenants_console_log",
    Page("log/", log, ConsoleRight.VIEW_LOG, Menu("company", "history", order=60, title=_("Log")), at_home=False),
)

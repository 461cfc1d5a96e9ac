"""Reports for people: what happened, how quick the team was, who did what, and when visitors write."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from chat.enums import StatKind
from chat.errors import BadPeriod, ReportsNotIncluded
from chat.queries import reports

CHOICES = (7, 30, 90)
KINDS = {
    "agents": StatKind.AGENT,
    "teams": StatKind.TEAM,
    "inboxes": StatKind.INBOX,
    "labels": StatKind.LABEL,
    "channels": StatKind.CHANNEL,
}
HEAT_LEVELS = 5


@login_required
@permission_required("chat.view_report", raise_exception=True)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The numbers of a period beside those of the one before, and how they went."""
    frame = _frame(request, "overview")
    over = frame.pop("over", None)
    if over is None:
        return render(request, "chat/reports.html", frame)
    now, then = reports.totals(over), reports.totals(over.before)
    steps = reports.steps(over)
    spread = reports.first_reply_spread(over)
    labels = [_step_label(step.at, over) for step in steps]
    context = frame | {
        "empty": not (now["started"] or now["messages_in"] or now["messages_out"]),
        "stats": [
            _stat(_("Conversations started"), now["started"], then["started"], [s.figures["started"] for s in steps]),
            _stat(
                pgettext("figures", "Resolved"),
                now["resolved"],
                then["resolved"],
                [s.figures["resolved"] for s in steps],
                more_is_good=True,
            ),
            _time_stat(_("First reply after"), now.first_reply_mean_s, then.first_reply_mean_s),
            _time_stat(_("Resolved after"), now.resolution_mean_s, then.resolution_mean_s),
            _share_stat(_("Satisfied visitors"), now.csat_share, then.csat_share),
            _share_stat(_("Promises kept"), now.sla_share, then.sla_share),
        ],
        "labels": labels,
        "lines": [
            {"label": pgettext("figures", "Started"), "values": [step.figures["started"] for step in steps]},
            {"label": pgettext("figures", "Resolved"), "values": [step.figures["resolved"] for step in steps]},
        ],
        "message_lines": [
            {"label": _("Of visitors"), "values": [step.figures["messages_in"] for step in steps]},
            {"label": _("Of agents"), "values": [step.figures["messages_out"] for step in steps]},
            {"label": _("Of bots"), "values": [step.figures["messages_bot"] for step in steps]},
        ],
        "spread_labels": [_bin(end) for end, _count in spread],
        "spread_values": [count for _end, count in spread],
        "median": duration(reports.median_of(spread)),
        "compared": _("Compared with %(days)s.") % {"days": _days(over.before)},
    }
    return render(request, "chat/reports.html", context)


@login_required
@permission_required("chat.view_report", raise_exception=True)
@require_safe
def report(request: HttpRequest, name: str) -> HttpResponse:
    """Figures by agent, team, inbox, label or channel, or the week by the hour."""
    if name not in KINDS and name != "traffic":
        raise Http404
    frame = _frame(request, name)
    over = frame.pop("over", None)
    if over is not None and name == "traffic":
        frame |= _traffic(over)
    elif over is not None:
        frame |= _table(KINDS[name], over)
    return render(request, "chat/reports.html", frame)


def _frame(request: HttpRequest, name: str) -> dict[str, Any]:
    """What every report has: its tabs, its days, and what stands in the way of showing it."""
    zone = ZoneInfo(str(timezone.get_current_timezone()))
    today = timezone.now().astimezone(zone).date()
    first, last = _day(request.GET.get("from")), _day(request.GET.get("to"))
    problem = ""
    try:
        over = reports.period(first=first or (last or today) - timedelta(days=29), last=last or today, zone=zone)
    except (BadPeriod, OverflowError) as error:
        problem = str(error) if isinstance(error, BadPeriod) else str(BadPeriod.message)
        over = reports.period(first=today - timedelta(days=29), last=today, zone=zone)
    days = {"from": over.first.isoformat(), "to": over.last.isoformat()}
    context: dict[str, Any] = {
        "name": name,
        "tabs": tabs(name, days),
        "choices": [
            {
                "label": ngettext("%(count)s day", "%(count)s days", count) % {"count": count},
                "url": "?"
                + urlencode({"from": (today - timedelta(days=count - 1)).isoformat(), "to": today.isoformat()}),
                "current": over.last == today and over.days == count,
            }
            for count in CHOICES
        ],
        "first": over.first,
        "last": over.last,
        "days_in_words": _days(over),
        "problem": problem,
        "csv_url": reverse("api:chat-report", args=[name]) + "?" + urlencode(days | {"tz": str(zone), "format": "csv"}),
    }
    try:
        reports.require(request.user)
    except ReportsNotIncluded as error:
        return context | {"limit": str(error)}
    return context | {"over": over}


def _days(over: reports.Period) -> str:
    """The days as the language writes them: a date field shows them as the browser does."""
    first, last = (formats.date_format(day, "DATE_FORMAT") for day in (over.first, over.last))
    return first if over.first == over.last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def tabs(name: str, days: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Every report, the current one marked; the days go along."""
    query = "?" + urlencode(days) if days else ""
    return [{"label": label, "url": _address(key) + query, "current": key == name} for key, label in _tabs().items()]


def _tabs() -> dict[str, str]:
    return {
        "overview": _("Overview"),
        "agents": _("Agents"),
        "teams": _("Teams"),
        "inboxes": _("Inboxes"),
        "channels": _("Channels"),
        "labels": _("Labels"),
        "traffic": _("When visitors write"),
        "churn": _("Who may not come back"),
    }


def _address(name: str) -> str:
    if name == "churn":
        return reverse("chat:churn")
    return reverse("chat:reports") if name == "overview" else reverse("chat:report", args=[name])


def _table(kind: StatKind, over: reports.Period) -> dict[str, Any]:
    rows = [
        {
            "name": row.name or _("No longer there"),
            "started": row.figures["started"],
            "resolved": row.figures["resolved"],
            "replies": row.figures["messages_out"],
            "first_reply": duration(row.figures.first_reply_mean_s),
            "waited": duration(row.figures.reply_mean_s),
            "resolution": duration(row.figures.resolution_mean_s),
            "csat": _percent(row.figures.csat_share),
            "answers": row.figures["csat_answers"],
            "sla": _percent(row.figures.sla_share),
        }
        for row in reports.by(kind, over)
    ]
    return {"rows": rows, "kind": kind.label, "empty": not rows}


def _traffic(over: reports.Period) -> dict[str, Any]:
    week = reports.week(over)
    most = max(max(row) for row in week)
    # A Monday, so that the days have the names of the active language.
    monday = date(2024, 1, 1)
    rows = [
        {
            "day": formats.date_format(monday + timedelta(days=day), "l").capitalize(),
            "hours": [
                {"hour": hour, "count": count, "level": -(-count * (HEAT_LEVELS - 1) // most) if most else 0}
                for hour, count in enumerate(counts)
            ],
        }
        for day, counts in enumerate(week)
    ]
    return {"week": rows, "hours": range(24), "empty": most == 0}


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _step_label(at: Any, over: reports.Period) -> str:
    return formats.date_format(at, "H:i" if over.days <= reports.BY_HOUR_DAYS else _("M j"))


def _stat(label: str, now: int, then: int, values: list[int], *, more_is_good: bool | None = None) -> dict[str, Any]:
    shown = formats.number_format(now, decimal_pos=0, force_grouping=True)
    return {"label": label, "value": shown, "values": tuple(values) if any(values) else ()} | _change(
        now, then, more_is_good
    )


def _time_stat(label: str, now: float | None, then: float | None) -> dict[str, Any]:
    return {"label": label, "value": duration(now) or "–", "values": ()} | _change(now, then, False)


def _share_stat(label: str, now: float | None, then: float | None) -> dict[str, Any]:
    """A share moves by points: three per cent of a percentage would be read as three points."""
    stat = {"label": label, "value": _percent(now) or "–", "values": ()}
    if now is None or then is None:
        return stat
    change = round(now) - round(then)
    if not change:
        return stat | {"hint": _("as in the days before")}
    words = ngettext("%(count)s point", "%(count)s points", abs(change)) % {"count": abs(change)}
    return stat | {
        "trend": f"{_sign(change)}{words}",
        "up": change > 0,
        "good": change > 0,
        "hint": _("compared with the days before"),
    }


def _change(now: float | None, then: float | None, more_is_good: bool | None) -> dict[str, Any]:
    """The change from the days before, in percent; nothing when there is nothing to compare with."""
    if not then or now is None or round(100 * (now - then) / then) == 0:
        return {"hint": _("as in the days before") if then and now is not None else ""}
    change = round(100 * (now - then) / then)
    return {
        "trend": f"{_sign(change)}{formats.number_format(abs(change), decimal_pos=0, force_grouping=True)}%",
        "up": change > 0,
        "good": None if more_is_good is None else (change > 0) == more_is_good,
        "hint": _("compared with the days before"),
    }


def _sign(change: int) -> str:
    return "+" if change > 0 else "\N{MINUS SIGN}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{formats.number_format(round(share), decimal_pos=0)}%"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: `45 s`, `3 min`, `1 h 20 min`, `2 d 4 h`; empty for nothing."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)s s") % {"seconds": whole}
    minutes = round(whole / 60)
    if minutes < 60:
        return _("%(minutes)s min") % {"minutes": minutes}
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return (
            _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest}
            if rest
            else _("%(hours)s h") % {"hours": hours}
        )
    days, rest = divmod(round(minutes / 60), 24)
    return _("%(days)s d %(hours)s h") % {"days": days, "hours": rest} if rest else _("%(days)s d") % {"days": days}


def _bin(end: int | None) -> str:
    return _("longer") if end is None else _("up to %(time)s") % {"time": duration(end)}

"""The list beside the thread: what its address asks for, and how it is drawn."""

import json
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chat.enums import Priority, Status
from chat.models import Conversation, Inbox, Label, SavedView, Team
from chat.queries import console as queries
from chat.services import presence
from chat.views import drawing, home
from tenants.accounts.models import User

USUAL = queries.Filter()
# The parts of a filter that are rows of a table, by their name in the address.
ROWS = ("inbox", "team", "label", "assignee")


def wanted(request: HttpRequest) -> queries.Filter:
    """What the address asks for; a bent value is as good as none."""
    given = request.GET
    tab, state, sort = given.get("tab", ""), given.get("status", ""), given.get("sort", "")
    priority = given.get("priority", "")
    text = given.get("q", "").replace("\x00", "").strip()[:100]
    return queries.Filter(
        tab=tab if tab in queries.TABS else "all" if text and not tab else "mine",
        state=state if state in queries.STATES else Status.OPEN.value,
        text=text,
        limit=min(whole(given.get("limit", "")) or queries.PAGE, queries.MOST),
        priority=priority if priority in Priority.values else "",
        sort=sort if sort in queries.SORTS else "",
        unread=given.get("unread") == "1",
        **{name: key(given.get(name, "")) for name in ROWS},
    )


def query(chosen: queries.Filter, **changes: Any) -> str:
    """The address's query of a filter: only what differs from the usual."""
    said = []
    for one in fields(chosen):
        value = changes.get(one.name, getattr(chosen, one.name))
        if value != getattr(USUAL, one.name):
            name = {"state": "status", "text": "q"}.get(one.name, one.name)
            said.append((name, "1" if value is True else str(value)))
    return urlencode(said)


def address(number: int | None, chosen: queries.Filter, **changes: Any) -> str:
    """The console with this list, and with a conversation beside it when a number is given."""
    base = reverse("chat:console") if number is None else reverse("chat:conversation", args=[number])
    said = query(chosen, **changes)
    return f"{base}?{said}" if said else base


def context(request: HttpRequest, opened: Conversation | None) -> dict[str, Any]:
    """What `_list.html` draws."""
    chosen = wanted(request)
    rows, more = queries.conversations(user=request.user, wanted=chosen)
    here = presence.all_visitors()
    number = opened.number if opened else None
    said = query(chosen)
    counts = home.counts(request)
    narrowed = _narrowed(chosen)
    return {
        "wanted": chosen,
        "rows": rows,
        "drawn_rows": drawing.rows(
            rows,
            query=said,
            here=here,
            opened=str(opened.pk) if opened else "",
            user=request.user,
            now=timezone.now(),
        ),
        "more_url": address(number, chosen, limit=chosen.limit + queries.PAGE)
        if more and chosen.limit < queries.MOST
        else "",
        "tabs": lambda: _tabs(counts, chosen),
        "chips": lambda: _chips(chosen),
        "narrowed": narrowed,
        # All that the fixed parts depend on; tabs and chips are made only when those are drawn anew.
        "list_key": (chosen, *counts.values(), *((chip["label"], chip["url"]) for chip in narrowed)),
        "list_url": address(None, chosen),
        "list_query": said,
    }


def _tabs(counts: dict[str, int], chosen: queries.Filter) -> list[dict[str, Any]]:
    labels = (
        ("mine", pgettext("conversations", "Mine")),
        ("queue", _("Queue")),
        ("all", pgettext("conversations", "All")),
    )
    return [
        {
            "key": key,
            "label": label,
            "url": address(None, chosen, tab=key, limit=queries.PAGE, state=Status.OPEN.value, text=""),
            "current": key == chosen.tab,
            "count": counts[key],
        }
        for key, label in labels
    ]


def _chips(chosen: queries.Filter) -> list[dict[str, Any]]:
    if chosen.tab == "queue":
        return []
    states = (
        (Status.OPEN.value, pgettext("conversations", "Open")),
        (Status.PENDING.value, pgettext("conversations", "Pending")),
        (Status.SNOOZED.value, pgettext("conversations", "Snoozed")),
        (Status.RESOLVED.value, pgettext("conversations", "Resolved")),
        ("any", pgettext("conversations", "Any")),
    )
    return [
        {
            "label": label,
            "url": address(None, chosen, state=key, limit=queries.PAGE),
            "current": key == chosen.state,
            "count": None,
        }
        for key, label in states
    ]


def sorts() -> list[tuple[str, str]]:
    """Orders of the list with their words."""
    return [
        ("", _("Usual order")),
        ("recent", _("Newest activity first")),
        ("oldest", _("Oldest activity first")),
        ("waiting", _("Longest waiting first")),
        ("priority", _("Most urgent first")),
        ("newest", _("Begun last first")),
    ]


def _narrowed(chosen: queries.Filter) -> list[dict[str, Any]]:
    """Every filter that is on, as a chip that takes it off again."""
    found = []
    for name, model in (("inbox", Inbox), ("team", Team), ("label", Label), ("assignee", User)):
        row_id: UUID | None = getattr(chosen, name)
        if row_id is not None:
            row = model._default_manager.filter(pk=row_id).first()  # one question for one chosen filter
            found.append({"label": str(row or _("Unknown")), "url": address(None, chosen, **{name: None})})
    if chosen.priority:
        found.append({"label": str(Priority(chosen.priority).label), "url": address(None, chosen, priority="")})
    if chosen.unread:
        found.append({"label": pgettext("conversations", "Unread"), "url": address(None, chosen, unread=False)})
    if chosen.sort:
        found.append({"label": dict(sorts())[chosen.sort], "url": address(None, chosen, sort="")})
    return found


def choices(request: HttpRequest) -> dict[str, Any]:
    """What the filter's panel offers; asked for when it is opened."""
    return {
        "wanted": wanted(request),
        "inboxes": Inbox.objects.active().order_by("name", "pk"),
        "teams": Team.objects.order_by("name", "pk"),
        "labels": Label.objects.order_by("name", "pk"),
        "people": User.objects.seated().order_by("name", "pk"),
        "priorities": Priority.choices,
        "sorts": sorts(),
        "views": [
            {"view": row, "url": address(None, _of_view(row))}
            for row in SavedView.objects.for_person(request.user).order_by("position", "name", "pk")
        ],
        "as_view": json.dumps(_as_view(wanted(request))),
    }


def _as_view(chosen: queries.Filter) -> dict[str, Any]:
    """A filter in the words of `GET conversations/`, as views keep it."""
    found: dict[str, Any] = {}
    if chosen.tab == "mine":
        found["assignee"] = "me"
    elif chosen.tab == "queue":
        found |= {"assignee": "none", "status": [Status.OPEN.value]}
    elif chosen.assignee is not None:
        found["assignee"] = str(chosen.assignee)
    if chosen.tab != "queue" and chosen.state != "any":
        found["status"] = [chosen.state]
    found |= {name: str(getattr(chosen, name)) for name in ("inbox", "team") if getattr(chosen, name) is not None}
    if chosen.label is not None:
        found["label"] = [str(chosen.label)]
    if chosen.priority:
        found["priority"] = [chosen.priority]
    if chosen.unread:
        found["unread"] = True
    if chosen.text:
        found["q"] = chosen.text
    return found


def _of_view(row: SavedView) -> queries.Filter:
    """What the list can show of a view; where a view says several values, the first."""
    said = row.filters
    who = said.get("assignee", "")
    states = said.get("status") or ["any"]
    return queries.Filter(
        tab={"me": "mine", "none": "queue"}.get(who, "all"),
        state=states[0] if len(states) == 1 and states[0] in queries.STATES else "any",
        text=said.get("q", ""),
        assignee=key(who),
        inbox=key(said.get("inbox", "")),
        team=key(said.get("team", "")),
        label=key((said.get("label") or [""])[0]),
        priority=(said.get("priority") or [""])[0],
        unread=bool(said.get("unread")),
        sort=row.sort if row.sort in queries.SORTS else "",
    )


def whole(text: str) -> int | None:
    """A number from an address, or nothing."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def key(text: str) -> UUID | None:
    """A row's key from an address, or nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None

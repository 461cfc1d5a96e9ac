"""What the counter offers to pages it does not know: panels of the home page, and people and threads in the palette."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Contact, Conversation
from chat.queries import console as queries
from chat.queries import trends

SHOWN = 5


def counts(request: HttpRequest) -> dict[str, int]:
    """Open work by tab, asked once for the rail and the page together."""
    known: dict[str, int] | None = getattr(request, "chat_counts", None)
    if known is None:
        known = request.chat_counts = queries.counts(user=request.user)  # type: ignore[attr-defined]
    return known


def numbers(request: HttpRequest) -> dict[str, Any]:
    """The numbers of the home page: what waits, what is mine, what is open, each with its last fourteen days."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    count = counts(request)
    lately = trends.of(user=request.user, now=now, open_now=count["all"])
    begun, mine = lately.begun[-1], lately.mine[-1]
    return {
        "counts": count,
        "resolved": queries.resolved_since(midnight, user=request.user),
        "trends": {
            "queue": {
                "values": _line(lately.begun),
                "trend": ngettext("%(count)s new today", "%(count)s new today", begun) % {"count": begun}
                if begun
                else "",
            },
            "mine": {
                "values": _line(lately.mine),
                "trend": ngettext("%(count)s resolved today", "%(count)s resolved today", mine) % {"count": mine}
                if mine
                else "",
            },
            "open": {"values": _line(lately.open)} | _change(lately.open),
            "resolved": {"values": _line(lately.resolved)},
        },
    }


def _line(values: list[int]) -> list[int]:
    """Days to draw; nothing when nothing happened on any of them."""
    return values if any(values) else []


def _change(values: list[int]) -> dict[str, Any]:
    """Today against yesterday, where less is better."""
    change = values[-1] - values[-2]
    if not change:
        return {}
    sign = "+" if change > 0 else "\N{MINUS SIGN}"
    return {"trend": f"{sign}{abs(change)}", "up": change > 0, "good": change < 0}


def waiting(request: HttpRequest) -> dict[str, Any]:
    """Who waits for an answer, longest first."""
    rows, more = queries.waiting(user=request.user, limit=SHOWN)
    return {"rows": rows, "more": more}


def queue_badge(request: HttpRequest) -> int:
    """How many conversations wait for somebody to take them."""
    return counts(request)["queue"]


def find_conversations(request: HttpRequest, text: str) -> Iterable[dict[str, Any]]:
    """Conversations for the palette."""
    rows = Conversation.objects.visible_to(request.user).search(text).with_people()
    for row in rows.order_by("-last_activity_at", "-pk")[:SHOWN]:
        yield {
            "label": f"{row.contact} #{row.number}",
            "hint": row.preview or _("Conversation"),
            "url": reverse("chat:conversation", args=[row.number]),
            "icon": "message-square",
        }


def find_contacts(request: HttpRequest, text: str) -> Iterable[dict[str, Any]]:
    """People outside for the palette."""
    for row in Contact.objects.current().search(text).order_by("-pk")[:SHOWN]:
        yield {
            "label": str(row),
            "hint": row.email or _("Contact"),
            "url": reverse("chat:contact", args=[row.pk]),
            "icon": "user-round",
        }

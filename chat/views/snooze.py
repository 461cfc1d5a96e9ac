"""Until when a conversation may sleep: the words of the menu, and a day and hour somebody chose."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

MORNING, EVENING = 9, 18


def presets(now: datetime) -> list[dict[str, Any]]:
    """What the menu offers now; an evening that has begun is not offered."""
    labels = {
        "later": _("In three hours"),
        "evening": _("This evening"),
        "tomorrow": _("Tomorrow morning"),
        "week": _("Next Monday"),
        "month": _("In a month"),
    }
    if now.hour >= EVENING - 1:
        del labels["evening"]
    return [{"value": value, "label": label, "until": end(value, now=now)} for value, label in labels.items()] + [
        {"value": "reply", "label": _("Until the visitor writes"), "until": None}
    ]


def end(choice: str, *, now: datetime) -> datetime | None:
    """The instant, in the tenant's zone; nothing means until the visitor writes.

    Raises `ValueError` for a day that cannot be read or has passed.
    """
    morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    known = {
        "": None,
        "reply": None,
        "later": now + timedelta(hours=3),
        "evening": now.replace(hour=EVENING, minute=0, second=0, microsecond=0),
        "tomorrow": morning + timedelta(days=1),
        "week": morning + timedelta(days=7 - now.weekday()),
        "month": morning + timedelta(days=30),
    }
    if choice in known:
        return known[choice]
    chosen = parse_datetime(choice)
    if chosen is None:
        raise ValueError(choice)
    aware = timezone.make_aware(chosen) if timezone.is_naive(chosen) else chosen
    if aware <= now:
        raise ValueError(choice)
    return aware

"""What one person has not been told yet."""

from typing import Any

from ops.kernel.alerts.models import Alert

# More than the bell can show is not worth counting.
COUNTED = 100


def unread_count(user: Any) -> int:
    """How many active alerts this person has not read, at most a hundred."""
    return Alert.objects.unread_by(str(user.pk))[:COUNTED].count()


def latest(user: Any, *, limit: int = 50) -> list[Alert]:
    """The newest alerts, each with `is_unread` for this person."""
    alerts = list(Alert.objects.newest_first()[:limit])
    unread = set(
        Alert.objects.unread_by(str(user.pk)).filter(pk__in=[alert.pk for alert in alerts]).values_list("pk", flat=True)
    )
    for alert in alerts:
        alert.is_unread = alert.pk in unread  # type: ignore[attr-defined]
    return alerts

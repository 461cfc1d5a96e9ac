"""What one person has not been told yet."""

from typing import Any

from ops.kernel.alerts.models import Alert

# More than the bell can show is not worth counting.
COUNTED = 100


def unread_count(user: Any) -> int:
    """How many active alerts this person has not read, at most a hundred."""
    return Alert.objects.unread_by(str(user.pk))[:COUNTED].count()


def latest(user: Any, *, limit: int = 50) -> list[tuple[Alert, bool]]:
    """The newest alerts, each with whether it is new to this person."""
    alerts = list(Alert.objects.newest_first()[:limit])
    unread = set(
        Alert.objects.unread_by(str(user.pk)).filter(pk__in=[alert.pk for alert in alerts]).values_list("pk", flat=True)
    )
    return [(alert, alert.pk in unread) for alert in alerts]

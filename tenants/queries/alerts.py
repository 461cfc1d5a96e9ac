"""What one person has not been told yet."""

from typing import Any

from django.core.cache import cache

from ops.kernel.alerts.models import Alert

# More than the bell can show is not worth counting.
COUNTED = 100
# Every page has the bell: a number that is a few seconds old costs a tenth of a new one.
KEPT_S = 10


def unread_count(user: Any) -> int:
    """How many active alerts this person has not read, at most a hundred; up to ten seconds old."""
    count = cache.get(_key(user))
    if count is None:
        count = Alert.objects.unread_by(str(user.pk))[:COUNTED].count()
        cache.set(_key(user), count, KEPT_S)
    return int(count)


def forget_count(user: Any) -> None:
    """Count again at the next page: this person has just read."""
    cache.delete(_key(user))


def _key(user: Any) -> str:
    return f"alerts.unread.{user.pk}"


def latest(user: Any, *, limit: int = 50) -> list[tuple[Alert, bool]]:
    """The newest alerts, each with whether it is new to this person."""
    alerts = list(Alert.objects.newest_first()[:limit])
    unread = set(
        Alert.objects.unread_by(str(user.pk)).filter(pk__in=[alert.pk for alert in alerts]).values_list("pk", flat=True)
    )
    return [(alert, alert.pk in unread) for alert in alerts]

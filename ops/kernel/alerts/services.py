"""Raise, repeat, acknowledge and resolve alerts, and tell people without tiring them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel import live
from ops.kernel.actors import actor_of
from ops.kernel.alerts import providers
from ops.kernel.alerts.enums import AlertState, DeliveryState, Severity
from ops.kernel.alerts.models import Alert, AlertDelivery, AlertEvent, AlertReading, AlertRule
from ops.kernel.errors import Conflict
from ops.kernel.registry import audiences
from ops.kernel.tasks import enqueue

# How long the same alert stays quiet after people were told, by severity. An emergency never waits long.
COOLDOWN = {
    Severity.INFO: timedelta(minutes=60),
    Severity.WARNING: timedelta(minutes=30),
    Severity.ERROR: timedelta(minutes=15),
    Severity.CRITICAL: timedelta(minutes=5),
    Severity.EMERGENCY: timedelta(minutes=2),
}

# Messages an hour to one recipient of a channel, whatever happens: people stop reading what never stops.
HOURLY_LIMIT = {"email": 30}


class AlreadyResolved(Conflict):
    """The alert is over."""

    code = "alert_resolved"
    message = _("This alert is already resolved.")


@transaction.atomic
def raise_alert(
    kind: str, *, severity: Severity, key: str, title: str, body: str = "", now: datetime | None = None
) -> Alert:
    """Say that something is wrong. The same `key` counts up one alert until it is resolved.

    People are told when it is new, when it gets worse, and again after the cooldown of its severity.
    """
    now = now or timezone.now()
    severity = Severity(severity)
    alert, created = _open(kind=kind, severity=severity, key=key, title=str(title)[:200], body=str(body), now=now)
    worse = not created and severity > alert.severity
    if created:
        _note(alert, "raised", now=now, detail={"severity": int(severity)})
    else:
        alert.count += 1
        alert.last_seen_at = now
        alert.title, alert.body = str(title)[:200], str(body)
        if worse:
            _note(alert, "worsened", now=now, detail={"from": alert.severity, "to": int(severity)})
            alert.severity = severity
            # Acknowledging a warning is not acknowledging the outage it became.
            alert.state = AlertState.OPEN
        alert.save()
    _tell(alert, urgent=created or worse, now=now)
    return alert


def _open(*, kind: str, severity: Severity, key: str, title: str, body: str, now: datetime) -> tuple[Alert, bool]:
    """The active alert of this key, locked; a new one when there is none."""
    active = Alert.objects.active().filter(key=key).select_for_update()
    found = active.first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            made = Alert.objects.create(
                kind=kind, key=key, severity=severity, title=title, body=body, first_seen_at=now, last_seen_at=now
            )
    except IntegrityError:
        # Another process raised it between the two statements.
        return active.get(), False
    return made, True


def resolve(*, key: str, by: Any = None, now: datetime | None = None) -> bool:
    """Say that it is over; `False` when there was nothing active under this key."""
    now = now or timezone.now()
    with transaction.atomic():
        alert = Alert.objects.active().filter(key=key).select_for_update().first()
        if alert is None:
            return False
        alert.state, alert.resolved_at = AlertState.RESOLVED, now
        alert.save()
        _note(alert, "resolved", by=by, now=now)
        _push(alert)
    return True


@transaction.atomic
def acknowledge(*, alert: Alert, by: Any, now: datetime) -> Alert:
    """Somebody looks after it: it stays active and stops being told. Raises `AlreadyResolved`."""
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.state == AlertState.RESOLVED:
        raise AlreadyResolved()
    if alert.state == AlertState.OPEN:
        actor = actor_of(by)
        alert.state, alert.acknowledged_at, alert.acknowledged_by = AlertState.ACKNOWLEDGED, now, actor.label
        alert.save()
        _note(alert, "acknowledged", by=actor, now=now)
        _push(alert)
    return alert


def mark_read(*, alerts: Iterable[Alert], user: Any, now: datetime) -> None:
    """This person has seen these alerts as they are now."""
    AlertReading.objects.bulk_create(
        [AlertReading(alert=alert, user_id=str(user.pk), read_at=now) for alert in alerts],
        update_conflicts=True,
        unique_fields=["alert", "user_id"],
        update_fields=["read_at"],
    )


def rule_for(kind: str) -> AlertRule | None:
    """The enabled rule that fits best: the kind itself, else the longest prefix with a star."""
    fitting = [rule for rule in AlertRule.objects.filter(enabled=True) if _fits(rule.kind, kind)]
    return max(fitting, key=lambda rule: (not rule.kind.endswith("*"), len(rule.kind)), default=None)


def _fits(pattern: str, kind: str) -> bool:
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == kind


def _tell(alert: Alert, *, urgent: bool, now: datetime) -> None:
    _push(alert)
    if alert.state == AlertState.ACKNOWLEDGED:
        return
    # Without a rule of its own an alert is shown in the product and nobody is written to.
    rule = rule_for(alert.kind) or AlertRule(kind=alert.kind, channels=["in_app"], min_severity=Severity.INFO)
    if alert.severity < rule.min_severity:
        return
    cooldown = COOLDOWN[Severity(alert.severity)] if rule.cooldown_s is None else timedelta(seconds=rule.cooldown_s)
    if not urgent and alert.notified_at is not None and now < alert.notified_at + cooldown:
        return
    alert.notified_at = now
    alert.save(update_fields=["notified_at"])
    _note(alert, "told", now=now, detail={"channels": rule.channels})
    for name in rule.channels:
        for recipient in [""] if name == "in_app" else _recipients(rule):
            _queue(alert, channel=name, recipient=recipient, now=now)


def _queue(alert: Alert, *, channel: str, recipient: str, now: datetime) -> None:
    """One message, unless this recipient had too many within the hour: then it is kept and marked as held back."""
    lately = AlertDelivery.objects.filter(channel=channel, recipient=recipient, created_at__gt=now - timedelta(hours=1))
    held = lately.exclude(state=DeliveryState.HELD).count() >= HOURLY_LIMIT.get(channel, 1000)
    delivery = AlertDelivery.objects.create(
        alert=alert,
        channel=channel,
        recipient=recipient,
        created_at=now,
        state=DeliveryState.HELD if held else DeliveryState.QUEUED,
    )
    if not held:
        enqueue("alerts.deliver", delivery_id=str(delivery.pk))


def _recipients(rule: AlertRule) -> list[str]:
    found = {address.strip().lower() for address in rule.addresses}
    for key in rule.audiences:
        audience = audiences.get(key)
        if audience is not None:
            found.update(address.lower() for address in audience.emails())
    return sorted(found)


def deliver(*, delivery_id: str, now: datetime) -> None:
    """Send one message; a second run finds it sent and stops. Raises `TemporaryFailure` for the task to retry."""
    claimed = AlertDelivery.objects.filter(pk=delivery_id, state=DeliveryState.QUEUED)
    delivery = claimed.select_related("alert").first()
    if delivery is None:
        return
    alert = delivery.alert
    notice = providers.Notice(
        title=alert.title,
        body=alert.body,
        severity=Severity(alert.severity),
        kind=alert.kind,
        count=alert.count,
        first_seen_at=alert.first_seen_at,
        last_seen_at=alert.last_seen_at,
    )
    channel = providers.channels[delivery.channel]
    receipt = channel.send(notice, recipient=delivery.recipient, reference=str(delivery.pk))
    claimed.update(
        state=DeliveryState.SENT if receipt.ok else DeliveryState.FAILED,
        attempts=delivery.attempts + 1,
        provider_id=receipt.provider_id,
        answer=receipt.answer,
        sent_at=now if receipt.ok else None,
    )


def _note(alert: Alert, what: str, *, now: datetime, by: Any = None, detail: dict[str, Any] | None = None) -> None:
    actor = actor_of(by)
    AlertEvent.objects.create(
        alert=alert, what=what, at=now, actor_id=actor.id, actor_label=actor.label, detail=detail or {}
    )


def _push(alert: Alert) -> None:
    live.push(
        live.group("alerts"),
        {"type": "alert.changed", "id": str(alert.pk), "state": alert.state, "severity": int(alert.severity)},
    )

"""Alerts: something is wrong (or worth knowing), until it is not any more."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.alerts.enums import AlertState, DeliveryState, Severity
from ops.kernel.models import TimestampedModel, UUIDModel


class AlertQuerySet(models.QuerySet["Alert"]):
    """Alerts by state, and what one person has not seen."""

    def active(self) -> Self:
        """Open or acknowledged: not over yet."""
        return self.exclude(state=AlertState.RESOLVED)

    def newest_first(self) -> Self:
        """Latest occurrence first."""
        return self.order_by("-last_seen_at", "-id")

    def worst_first(self) -> Self:
        """Highest severity first, then the latest."""
        return self.order_by("-severity", "-last_seen_at", "-id")

    def unread_by(self, user_id: object) -> Self:
        """Active alerts this person has not read since they last happened."""
        read = AlertReading.objects.filter(alert=OuterRef("pk"), user_id=user_id, read_at__gte=OuterRef("last_seen_at"))
        return self.active().exclude(Exists(read))


class Alert(TimestampedModel):
    """One problem. While it is not resolved, the same key only counts up."""

    kind = models.CharField(_("kind"), max_length=100)
    key = models.CharField(_("key"), max_length=200)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices)
    state = models.CharField(_("state"), max_length=12, choices=AlertState.choices, default=AlertState.OPEN)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("body"), blank=True)
    count = models.PositiveIntegerField(_("times"), default=1)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    notified_at = models.DateTimeField(_("last told"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=200, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        default_permissions = ("view",)
        permissions = [("manage_alert", _("Acknowledge and resolve alerts"))]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(state="resolved"), name="alerts_one_active_per_key"),
        ]
        indexes = [models.Index(fields=["-last_seen_at", "-id"], name="alerts_newest")]

    def __str__(self) -> str:
        return self.title


class AlertEvent(UUIDModel):
    """What happened to an alert, in order: raised, repeated, worsened, told, acknowledged, resolved."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="history", verbose_name=_("alert"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    what = models.CharField(_("what"), max_length=30)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("alert event")
        verbose_name_plural = _("alert events")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["alert", "at", "id"], name="alerts_history")]

    def __str__(self) -> str:
        return f"{self.what} {self.at:%Y-%m-%d %H:%M}"


class AlertReading(UUIDModel):
    """When a person last read an alert. The person is a value: people live in another app."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="readings", verbose_name=_("alert"))
    user_id = models.CharField(_("user id"), max_length=64)
    read_at = models.DateTimeField(_("read at"))

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["alert", "user_id"], name="alerts_one_reading_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.read_at:%Y-%m-%d %H:%M}"


class AlertRule(TimestampedModel):
    """Who is told of which alerts, and over which channel. The most exact kind that matches is used."""

    kind = models.CharField(
        _("kind"), max_length=100, help_text=_("A kind, or the start of one followed by a star: chat.*")
    )
    min_severity = models.PositiveSmallIntegerField(
        _("from severity"), choices=Severity.choices, default=Severity.WARNING
    )
    channels = models.JSONField(_("channels"), default=list)
    audiences = models.JSONField(_("audiences"), default=list, blank=True)
    addresses = models.JSONField(_("more addresses"), default=list, blank=True)
    cooldown_s = models.PositiveIntegerField(_("seconds between two messages"), null=True, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [models.UniqueConstraint(fields=["kind"], name="alerts_one_rule_a_kind")]

    def __str__(self) -> str:
        return self.kind


class AlertDelivery(UUIDModel):
    """One message about one alert over one channel, with what the channel answered."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("alert"))
    channel = models.CharField(_("channel"), max_length=30)
    recipient = models.CharField(_("recipient"), max_length=254, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    provider_id = models.CharField(_("id at the provider"), max_length=200, blank=True)
    answer = models.TextField(_("answer"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert message")
        verbose_name_plural = _("alert messages")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["channel", "recipient", "created_at"], name="alerts_delivery_recent")]

    def __str__(self) -> str:
        return f"{self.channel} {self.recipient}"

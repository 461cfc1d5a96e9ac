"""Domain events on their way from the transaction that made them to those who react. Public tables."""

from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.ids import uuid7
from ops.kernel.models import UUIDModel


class DeliveryState(models.TextChoices):
    """Where one event stands with one receiver."""

    PENDING = "pending", _("Waiting")
    DONE = "done", _("Delivered")
    DEAD = "dead", _("Given up")
    DROPPED = "dropped", _("Not needed any more")


class InboxState(models.TextChoices):
    """Where an event that came from outside stands."""

    PENDING = "pending", _("Waiting")
    DONE = "done", _("Handled")
    IGNORED = "ignored", _("Not for us")
    FAILED = "failed", _("Failed")


class OutboxEvent(models.Model):
    """Something that happened in one schema. Written with the change it tells about, never changed."""

    position = models.BigAutoField(_("position"), primary_key=True)
    id = models.UUIDField(_("id"), default=uuid7, editable=False, unique=True)
    schema = models.CharField(_("schema"), max_length=63)
    name = models.CharField(_("name"), max_length=100)
    aggregate = models.CharField(
        _("aggregate"), max_length=120, help_text=_("Events of one aggregate arrive in order.")
    )
    payload = models.JSONField(_("payload"), default=dict, encoder=DjangoJSONEncoder)
    request_id = models.CharField(_("request id"), max_length=100, blank=True)
    user_id = models.CharField(_("user id"), max_length=64, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["at"], name="outbox_event_at"),
            models.Index(fields=["schema", "name", "-position"], name="outbox_event_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.position}"


class DeliveryQuerySet(models.QuerySet["OutboxDelivery"]):
    """Deliveries by state."""

    def pending(self) -> Self:
        """Not delivered yet."""
        return self.filter(state=DeliveryState.PENDING)

    def dead(self) -> Self:
        """Given up after the last attempt, oldest first."""
        return self.filter(state=DeliveryState.DEAD)


class OutboxDelivery(models.Model):
    """One event for one receiver: a receiver that fails does not run the others again.

    Schema, aggregate and position repeat the event's, so that "is there an earlier one" is one index.
    """

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(
        OutboxEvent,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=_("event"),
        db_index=False,  # the unique constraint begins with it
    )
    receiver = models.CharField(_("receiver"), max_length=200)
    schema = models.CharField(_("schema"), max_length=63)
    aggregate = models.CharField(_("aggregate"), max_length=120)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    done_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        default_permissions = ("view",)
        permissions = [("replay_delivery", _("Replay events"))]
        constraints = [
            models.UniqueConstraint(fields=["event", "receiver"], name="outbox_one_delivery_per_receiver"),
        ]
        indexes = [
            models.Index(
                fields=["schema", "aggregate", "receiver", "event"],
                condition=models.Q(state="pending"),
                name="outbox_delivery_lane",
            ),
            models.Index(fields=["due_at", "event"], condition=models.Q(state="pending"), name="outbox_delivery_due"),
            models.Index(fields=["event"], condition=models.Q(state="dead"), name="outbox_delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.receiver} #{self.event_id}"


class InboxEvent(UUIDModel):
    """A webhook as it came: stored first under the provider's own id, handled afterwards."""

    schema = models.CharField(_("schema"), max_length=63)
    provider = models.CharField(_("provider"), max_length=50)
    external_id = models.CharField(_("id at the provider"), max_length=200)
    kind = models.CharField(_("kind"), max_length=100, blank=True)
    body = models.BinaryField(_("body"))
    headers = models.JSONField(_("headers"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=InboxState.choices, default=InboxState.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    handled_at = models.DateTimeField(_("handled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["schema", "provider", "external_id"], name="inbox_once_per_provider_id"),
        ]
        indexes = [models.Index(fields=["state", "received_at"], name="inbox_state")]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}"

"""Addresses of other systems, and what was sent to them."""

import base64
import json
import secrets
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel, UUIDModel
from ops.kernel.webhooks.enums import State


def new_secret() -> str:
    """A signing key of 24 random bytes, spelt as Standard Webhooks does."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Doors to the endpoints."""

    def asking_for(self, event: str) -> Self:
        """Those that are on and want this event. An empty list of events wants all."""
        return self.filter(enabled=True).filter(models.Q(events__contains=[event]) | models.Q(events=["*"]))


class WebhookEndpoint(TimestampedModel):
    """One address of another system. The secret signs what it gets; the previous one still signs for a day."""

    url = models.URLField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=120, blank=True)
    events = models.JSONField(_("events"), default=list)
    secret = EncryptedTextField(_("secret"), default=new_secret)
    previous_secret = EncryptedTextField(_("previous secret"), blank=True, default="")
    previous_until = models.DateTimeField(_("previous secret signs until"), null=True, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        default_permissions = ()
        permissions = [("manage_endpoint", _("Set up webhooks and see what was sent"))]

    def __str__(self) -> str:
        return self.description or self.url


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Doors to the deliveries."""

    def newest_first(self) -> Self:
        """Latest first, one order for equal instants."""
        return self.order_by("-created_at", "-pk")

    def of(self, endpoint_id: UUID) -> Self:
        """What one endpoint got."""
        return self.filter(endpoint=endpoint_id)


class WebhookDelivery(UUIDModel):
    """One event for one endpoint: the exact bytes, and what every attempt was answered. One row an event, for ever."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    event_id = models.UUIDField(_("event id"))
    event = models.CharField(_("event"), max_length=60)
    body = models.TextField(_("body"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    history = models.JSONField(_("attempts one by one"), default=list)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhooks_one_delivery_an_event")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="queued"), name="webhooks_due"),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhooks_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"

    @property
    def parsed(self) -> Any:
        """The body as data."""
        return json.loads(self.body)

"""What was used, once per fact, and how much that makes in a month. Public tables, schema as a column."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import UUIDModel


class ScopedQuerySet(models.QuerySet):
    """Rows of all tenants stand in one table: reads go through a schema."""

    def for_schema(self, schema: str) -> Self:
        """Rows of one tenant."""
        return self.filter(schema=schema)


class UsageRecord(UUIDModel):
    """One fact that used something. `event_id` names the fact (`message:<id>`), never the attempt."""

    schema = models.CharField(_("schema"), max_length=63)
    event_id = models.CharField(_("event id"), max_length=120)
    meter = models.CharField(_("meter"), max_length=60)
    quantity = models.DecimalField(_("quantity"), max_digits=24, decimal_places=6)
    cost_micros = models.BigIntegerField(_("cost in millionths"), default=0)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    period = models.DateField(_("month"))
    at = models.DateTimeField(_("when"), default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["schema", "event_id"], name="metering_once_per_fact"),
        ]
        indexes = [models.Index(fields=["schema", "meter", "at"], name="metering_record_meter")]

    def __str__(self) -> str:
        return f"{self.meter} {self.event_id}"


class UsageCounter(models.Model):
    """Sum of one meter in one month. A cost is kept per currency, so a counter has one."""

    id = models.BigAutoField(primary_key=True)
    schema = models.CharField(_("schema"), max_length=63)
    meter = models.CharField(_("meter"), max_length=60)
    period = models.DateField(_("month"), help_text=_("Its first day, in São Paulo."))
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=24, decimal_places=6, default=0)
    cost_micros = models.BigIntegerField(_("cost in millionths"), default=0)
    records = models.BigIntegerField(_("records"), default=0)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("usage counter")
        verbose_name_plural = _("usage counters")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["schema", "meter", "period", "currency"], name="metering_one_counter_a_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schema} {self.meter} {self.period}"


class UnitPriceQuerySet(models.QuerySet["UnitPrice"]):
    """Prices by when they were in force."""

    def in_force(self, *, meter: str, currency: str, at: object) -> Self:
        """The price at an instant: at most one row."""
        return self.filter(meter=meter, currency=currency, effective_from__lte=at).filter(
            Q(effective_to=None) | Q(effective_to__gt=at)
        )


class UnitPrice(UUIDModel):
    """What one unit of a meter costs us, from an instant until the next price closes it."""

    meter = models.CharField(_("meter"), max_length=60)
    currency = models.CharField(_("currency"), max_length=3)
    micros = models.BigIntegerField(_("price of one unit in millionths"))
    effective_from = models.DateTimeField(_("from"))
    effective_to = models.DateTimeField(_("until"), null=True, blank=True)
    source = models.CharField(
        _("source"), max_length=300, blank=True, help_text=_("Where the price is published, and when it was read.")
    )

    objects = UnitPriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit price")
        verbose_name_plural = _("unit prices")
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "currency"], condition=Q(effective_to=None), name="metering_one_open_price"
            ),
            models.UniqueConstraint(fields=["meter", "currency", "effective_from"], name="metering_one_price_a_start"),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from")),
                name="metering_price_ends_later",
            ),
            models.CheckConstraint(condition=Q(micros__gte=0), name="metering_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.currency} {self.micros}"

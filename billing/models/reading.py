"""Last readings of what is recounted, so that a list of tenants needs no visit to each schema."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import UUIDModel
from tenants.models import Tenant


class GaugeReadingQuerySet(models.QuerySet["GaugeReading"]):
    """Doors to readings; every tenant can see this table."""

    def for_tenant(self, tenant: Tenant) -> Self:
        """Readings of one tenant."""
        return self.filter(tenant=tenant)

    def for_tenants(self, tenants: models.QuerySet[Tenant]) -> Self:
        """Readings of the tenants of a list that is already scoped."""
        return self.filter(tenant__in=tenants)


class GaugeReading(UUIDModel):
    """How much of `key` a tenant used when it was last counted. Decisions never rest on it: they count again."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="gauge_readings", verbose_name=_("customer"))
    key = models.CharField(_("entitlement"), max_length=60)
    used = models.BigIntegerField(_("used"))
    counted_at = models.DateTimeField(_("counted at"))

    objects = GaugeReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_reading_per_tenant_and_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.used}"

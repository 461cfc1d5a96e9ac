"""Hosts that answer for a tenant, a reseller's console or the platform."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin

from ops.kernel.ids import uuid7
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant


class Domain(DomainMixin):
    """One host name without port. A reseller's host points at the public tenant and names the reseller."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=True, related_name="domains", verbose_name=_("customer"))
    reseller = models.ForeignKey(Reseller, models.CASCADE, null=True, blank=True, related_name="domains", verbose_name=_("reseller"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")

    def __str__(self) -> str:
        return self.domain

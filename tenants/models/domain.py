"""Hosts that answer for a tenant, a reseller's console or the platform."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin

from ops.kernel.ids import uuid7
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant


class Domain(DomainMixin):
    """One host name, in small ASCII letters and without port. A reseller's host points at the public tenant and names the reseller."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain = models.CharField(_("host"), max_length=253, unique=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domains", verbose_name=_("customer"))
    is_primary = models.BooleanField(_("main address"), default=True)
    reseller = models.ForeignKey(
        Reseller, models.CASCADE, null=True, blank=True, related_name="domains", verbose_name=_("reseller")
    )
    # On the main address: pages asked for at the others are answered with a redirect to it.
    redirects_others = models.BooleanField(_("other addresses lead here"), default=False, db_default=False)
    # An address of before a rename: pages lead to the main one, and nobody else gets it until then.
    redirects_until = models.DateTimeField(_("leads to the new address until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain__regex=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"), name="domain_is_a_plain_host"
            )
        ]

    def __str__(self) -> str:
        return self.domain

    def save(self, *args: Any, **kwargs: Any) -> None:
        """One main address a tenant, and one a reseller: the platform's row carries the hosts of every reseller."""
        siblings = Domain.objects.filter(tenant=self.tenant, reseller=self.reseller, is_primary=True).exclude(
            pk=self.pk
        )
        self.is_primary = self.is_primary or not siblings.exists()
        if self.is_primary:
            siblings.update(is_primary=False)
        models.Model.save(self, *args, **kwargs)  # past DomainMixin, which allows one main address a tenant only

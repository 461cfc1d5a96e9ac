"""The tenant: one small business, one schema."""

from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import TenantMixin

from ops.kernel.ids import uuid7
from tenants.enums import TenantStatus
from tenants.models.reseller import Reseller


class TenantQuerySet(models.QuerySet["Tenant"]):
    """Doors to the list of tenants; the platform's own public row is never a customer."""

    def customers(self) -> Self:
        """Every tenant but the platform itself."""
        return self.exclude(schema_name="public")

    def active(self) -> Self:
        """Customers that may work today."""
        return self.customers().filter(status=TenantStatus.ACTIVE)

    def of(self, reseller: Reseller) -> Self:
        """Customers of one reseller."""
        return self.customers().filter(reseller=reseller)


class Tenant(TenantMixin):
    """A customer. `schema_name` never changes; the address and the name may."""

    auto_create_schema = False  # tenants.services.provisioning replays a prepared script instead
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(
        _("address"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z", _("Use small letters, digits and hyphens, starting with a letter or digit."))],
    )
    reseller = models.ForeignKey(Reseller, models.PROTECT, null=True, blank=True, related_name="tenants", verbose_name=_("reseller"))
    status = models.CharField(_("state"), max_length=12, choices=TenantStatus, default=TenantStatus.PROVISIONING)
    language = models.CharField(_("language"), max_length=8, default="pt-br")
    time_zone = models.CharField(_("time zone"), max_length=40, default="America/Sao_Paulo")
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    suspend_reason = models.CharField(_("reason"), max_length=200, blank=True)
    delete_after = models.DateTimeField(_("delete after"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def __str__(self) -> str:
        return self.name

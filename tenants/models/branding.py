"""How a tenant or a reseller looks and how it is called."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant


class Branding(TimestampedModel):
    """The brand of exactly one tenant or one reseller; a tenant's empty fields fall back to its reseller's."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, null=True, blank=True, related_name="branding")
    reseller = models.OneToOneField(Reseller, models.CASCADE, null=True, blank=True, related_name="branding")
    display_name = models.CharField(_("company name"), max_length=80, blank=True)
    primary_color = models.CharField(_("main colour"), max_length=7, blank=True)
    secondary_color = models.CharField(_("second colour"), max_length=7, blank=True)
    logo = models.FileField(_("logo"), blank=True)
    favicon = models.FileField(_("favicon"), blank=True)
    custom_css = models.TextField(_("custom CSS"), blank=True)
    # `custom_css` after it was judged and confined to the brand's places; made by tenants.services.branding.
    scoped_css = models.TextField(blank=True, editable=False)
    email_sender_name = models.CharField(_("e-mail sender name"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tenant__isnull=False, reseller__isnull=True)
                | models.Q(tenant__isnull=True, reseller__isnull=False),
                name="branding_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return self.display_name or str(self.tenant or self.reseller)

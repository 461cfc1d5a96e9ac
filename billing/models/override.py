"""What somebody decided beyond a plan: for everybody, for a reseller, or for one tenant."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.enums import Level, Subject
from ops.kernel.models import UUIDModel
from tenants.models import Reseller, Tenant


def switch_or_number(value: Any) -> None:
    """True or false for a feature; a whole number, or null for no limit."""
    if value is not None and not isinstance(value, bool) and not (isinstance(value, int) and value >= 0):
        raise ValidationError(_("A limit is a whole number, or null when there is none; a feature is true or false."))


# A customer that moved to another reseller leaves the first one's decisions behind.
STILL_ITS_RESELLER = ~Q(level=Level.RESELLER) | Q(reseller=F("tenant__reseller"))


class OverrideQuerySet(models.QuerySet["Override"]):
    """Doors to overrides. Every tenant can see this table, so its pages start with `about`."""

    def standing(self) -> Self:
        """Those nobody has replaced or taken back; some may be past their day."""
        return self.filter(ended_at=None)

    def in_force(self, now: datetime) -> Self:
        """Those that count now."""
        return self.standing().filter(Q(until=None) | Q(until__gt=now))

    def about(self, tenant: Tenant) -> Self:
        """All that bear on one tenant: its own, its reseller's for all customers, the platform's for everybody."""
        everybody = Q(tenant=None, reseller=None)
        its_resellers = Q(tenant=None, reseller=tenant.reseller_id) if tenant.reseller_id else Q(pk__in=[])
        return self.filter((Q(tenant=tenant) & STILL_ITS_RESELLER) | its_resellers | everybody)

    def about_any(self, tenants: Iterable[Tenant]) -> Self:
        """All that may bear on one of these; `Override.bears_on` tells on which."""
        return self.filter(Q(tenant__in=list(tenants)) | Q(tenant=None)).order_by("pk")

    def about_schema(self, schema: str) -> Self:
        """The same, for the tenant with that schema."""
        owner = Tenant.objects.filter(schema_name=schema, reseller__isnull=False).values("reseller")
        return self.filter(
            (Q(tenant__schema_name=schema) & STILL_ITS_RESELLER)
            | Q(tenant=None, reseller__in=owner)
            | Q(tenant=None, reseller=None)
        )


class Override(UUIDModel):
    """One decision about one feature or limit. It is never changed: another one takes its place, and both stay.

    `reseller` is the reseller it is about, also when it is about one of its tenants: the console is scoped by it.
    Without tenant and reseller the platform's word holds for everybody.
    """

    level = models.CharField(_("decided by"), max_length=10, choices=Level)
    reseller = models.ForeignKey(
        Reseller, models.CASCADE, null=True, blank=True, related_name="overrides", verbose_name=_("reseller")
    )
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="overrides", verbose_name=_("customer")
    )
    subject = models.CharField(_("kind"), max_length=10, choices=Subject)
    key = models.CharField(_("feature or limit"), max_length=60)
    value = models.JSONField(_("value"), null=True, validators=[switch_or_number])
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    set_at = models.DateTimeField(_("set at"))
    set_by = models.CharField(_("set by"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = OverrideQuerySet.as_manager()

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        default_permissions = ("view",)
        permissions = [("change_features", _("Switch features of the plan off and on"))]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "reseller", "tenant", "subject", "key"],
                condition=Q(ended_at=None),
                name="billing_one_standing_override",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(level="platform")
                | Q(level="reseller", reseller__isnull=False)
                | Q(level="tenant", tenant__isnull=False),
                name="billing_override_says_for_whom",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant"], condition=Q(ended_at=None), name="billing_overrides_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"

    def bears_on(self, tenant: Tenant) -> bool:
        """Whether this decision says something about a tenant."""
        if self.tenant_id is not None and self.level != Level.RESELLER:
            return self.tenant_id == tenant.pk
        if self.tenant_id is not None:
            return self.tenant_id == tenant.pk and self.reseller_id == tenant.reseller_id
        return self.reseller_id is None or self.reseller_id == tenant.reseller_id

"""Subscriptions: which tenant has which plan, since when."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.enums import SubscriptionStatus
from billing.models.plan import Plan, whole_numbers
from ops.kernel.models import TimestampedModel
from tenants.models import Reseller, Tenant


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Doors to subscriptions. Every tenant can see this table, so pages of a tenant start with `for_tenant`."""

    def for_tenant(self, tenant: Tenant) -> Self:
        """Subscriptions of one tenant."""
        return self.filter(tenant=tenant)

    def for_schema(self, schema: str) -> Self:
        """Subscriptions of the tenant with that schema."""
        return self.filter(tenant__schema_name=schema)

    def for_tenants(self, tenants: models.QuerySet[Tenant]) -> Self:
        """Subscriptions of the tenants of a list that is already scoped."""
        return self.filter(tenant__in=tenants)

    def for_reseller(self, reseller: Reseller) -> Self:
        """Subscriptions of a reseller's customers."""
        return self.filter(tenant__reseller=reseller)

    def open(self) -> Self:
        """The ones that have not ended: at most one a tenant."""
        return self.filter(ends_at=None)


class Subscription(TimestampedModel):
    """A tenant's plan for a period `[starts_at, ends_at)`. Changing the plan ends one and begins another."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="subscriptions", verbose_name=_("customer"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions", verbose_name=_("plan"))
    status = models.CharField(_("state"), max_length=10, choices=SubscriptionStatus, default=SubscriptionStatus.ACTIVE)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    limits = models.JSONField(
        _("own limits"),
        default=dict,
        blank=True,
        validators=[whole_numbers],
        help_text=_("What was agreed beyond the plan; it replaces the plan's limit."),
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(ends_at=None), name="one_open_subscription_per_tenant"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="subscription_ends_after_it_starts"
            ),
        ]
        indexes = [models.Index(fields=["plan"], condition=Q(ends_at=None), name="billing_open_by_plan")]

    def __str__(self) -> str:
        return f"{self.tenant} · {self.plan}"

    def limit(self, key: str) -> int | None:
        """What this subscription allows of `key`; `None` for no limit."""
        return self.limits.get(key, self.plan.limits.get(key))

"""What a plan costs a month, to whom, since when."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.enums import PriceKind
from billing.models.plan import Plan
from ops.kernel.models import TimestampedModel
from ops.kernel.money import Money
from tenants.models import Reseller


class PlanPriceQuerySet(models.QuerySet["PlanPrice"]):
    """Doors to prices; every tenant can see this table, so pages ask `billing.queries.prices` and nothing else."""

    def of(self, kind: PriceKind, reseller: Reseller | None = None) -> Self:
        """Prices of one kind; of one reseller for retail."""
        return self.filter(kind=kind, reseller=reseller)

    def begun(self, now: datetime) -> Self:
        """In force or replaced since."""
        return self.filter(starts_at__lte=now)

    def to_come(self, now: datetime) -> Self:
        """Decided, and not in force yet."""
        return self.filter(starts_at__gt=now)


class PlanPrice(TimestampedModel):
    """A plan's price a month in whole cents, in force from `starts_at` until the next one of its kind begins.

    Rows that have begun are never changed: they are the history. `floor_cents` is the wholesale price the retail price
    was judged by, so that the database itself refuses to sell below it.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="prices", verbose_name=_("plan"))
    kind = models.CharField(_("kind"), max_length=10, choices=PriceKind)
    reseller = models.ForeignKey(
        Reseller, models.CASCADE, null=True, blank=True, related_name="prices", verbose_name=_("reseller")
    )
    amount_cents = models.BigIntegerField(_("amount in cents"))
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    floor_cents = models.BigIntegerField(_("wholesale price in cents"), null=True, blank=True)
    starts_at = models.DateTimeField(_("from"))
    author = models.CharField(_("decided by"), max_length=200, blank=True)

    objects = PlanPriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "kind", "reseller", "starts_at"],
                nulls_distinct=False,
                name="one_price_of_a_kind_begins_at_an_instant",
            ),
            models.CheckConstraint(condition=Q(amount_cents__gte=0), name="price_is_not_negative"),
            models.CheckConstraint(
                condition=Q(kind=PriceKind.RETAIL, reseller__isnull=False, floor_cents__isnull=False)
                | (~Q(kind=PriceKind.RETAIL) & Q(reseller__isnull=True, floor_cents__isnull=True)),
                name="retail_prices_are_a_resellers",
            ),
            models.CheckConstraint(
                condition=Q(floor_cents=None) | Q(amount_cents__gte=F("floor_cents")), name="retail_covers_wholesale"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} · {self.money}"

    @property
    def money(self) -> Money:
        """The amount with its currency."""
        return Money(self.amount_cents, self.currency)

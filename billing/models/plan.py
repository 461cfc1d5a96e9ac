"""Plans: what may be used, in numbers and switches."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel


def whole_numbers(value: Any) -> None:
    """Limits are a map from a key to a whole number, or to null for no limit."""
    good = isinstance(value, dict) and all(
        isinstance(key, str)
        and (limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0))
        for key, limit in value.items()
    )
    if not good:
        raise ValidationError(_("Each limit is a whole number, or null when there is none."))


def switches(value: Any) -> None:
    """Flags are a map from a name to true or false."""
    if not (
        isinstance(value, dict) and all(isinstance(key, str) and isinstance(on, bool) for key, on in value.items())
    ):
        raise ValidationError(_("Each feature is either true or false."))


class PlanQuerySet(models.QuerySet["Plan"]):
    """Doors to the catalogue; plans belong to the platform and are the same for everybody."""

    def offered(self) -> "PlanQuerySet":
        """Plans a customer may choose, the smallest first."""
        return self.filter(is_public=True).order_by("order", "pk")


class Plan(TimestampedModel):
    """One plan. A key missing from `limits`, or null there, has no limit; a missing flag is off."""

    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    order = models.PositiveSmallIntegerField(
        _("order"), default=0, help_text=_("From the smallest plan to the largest.")
    )
    limits = models.JSONField(_("limits"), default=dict, blank=True, validators=[whole_numbers])
    flags = models.JSONField(_("features"), default=dict, blank=True, validators=[switches])
    is_public = models.BooleanField(_("offered to everybody"), default=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name

"""Words of billing."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SubscriptionStatus(models.TextChoices):
    """A subscription's life. It is never revived: after `canceled` a new one begins."""

    TRIALING = "trialing", _("Trial")
    ACTIVE = "active", pgettext_lazy("subscription", "Active")
    PAST_DUE = "past_due", _("Payment due")
    SUSPENDED = "suspended", pgettext_lazy("subscription", "Suspended")
    CANCELED = "canceled", pgettext_lazy("subscription", "Canceled")


class Unit(models.TextChoices):
    """How an entitlement's numbers are written."""

    COUNT = "count", _("items")
    BYTES = "bytes", _("bytes")


class PriceKind(models.TextChoices):
    """Whose price it is."""

    LIST = "list", _("List price, for the platform's own customers")
    WHOLESALE = "wholesale", _("Wholesale, for resellers")
    RETAIL = "retail", _("Retail, for a reseller's customers")


class Level(models.TextChoices):
    """Who decided about a feature or a limit, from the widest to the nearest."""

    PLATFORM = "platform", _("Platform")
    RESELLER = "reseller", _("Reseller")
    TENANT = "tenant", _("Customer")


class Subject(models.TextChoices):
    """What can be decided about."""

    FEATURE = "feature", _("Feature")
    LIMIT = "limit", _("Limit")

"""Words of accounts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BuiltInRole(models.TextChoices):
    """The roles every schema has from its first day."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    AGENT = "agent", _("Agent")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")
    BILLING = "billing", _("Billing")


# Who may answer conversations takes one of the plan's agents; the first owner comes with the plan.
SEAT_ROLES = (BuiltInRole.OWNER, BuiltInRole.ADMIN, BuiltInRole.AGENT)

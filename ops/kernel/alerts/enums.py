"""Words of alerts."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Severity(models.IntegerChoices):
    """How bad it is; the numbers leave room and sort."""

    INFO = 10, _("Information")
    WARNING = 20, _("Warning")
    ERROR = 30, _("Error")
    CRITICAL = 40, _("Critical")
    EMERGENCY = 50, _("Emergency")


class AlertState(models.TextChoices):
    """open → acknowledged → resolved; resolving is possible from both."""

    OPEN = "open", pgettext_lazy("alert", "Open")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    RESOLVED = "resolved", pgettext_lazy("alert", "Resolved")


class DeliveryState(models.TextChoices):
    """A message to one recipient."""

    QUEUED = "queued", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    HELD = "held", _("Held back")

"""The app's name."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IdempotencyConfig(AppConfig):
    """Answers kept for repeated requests; a table in public and in every tenant."""

    name = "ops.kernel.idempotency"
    label = "idempotency"
    verbose_name = _("Repeated requests")
    schedule = {"idempotency.forget_expired": 3600.0}

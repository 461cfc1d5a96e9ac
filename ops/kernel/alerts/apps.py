"""The app's name, and what it registers at start."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    """Alerts, their rules and messages; tables in public and in every tenant."""

    name = "ops.kernel.alerts"
    label = "alerts"
    verbose_name = _("Alerts")

    def ready(self):
        """Say who sees alerts and who looks after them."""
        from ops.kernel.registry import PermissionDef, permissions

        permissions.register(
            "alerts.view_alert",
            PermissionDef(
                "alerts.view_alert",
                _("See alerts"),
                {"owner", "admin", "agent", "editor"},
                "company",
                _("What needs attention, such as a channel that does not send."),
            ),
        )
        permissions.register(
            "alerts.manage_alert",
            PermissionDef(
                "alerts.manage_alert",
                _("Acknowledge and resolve alerts"),
                {"owner", "admin"},
                "company",
                _("Say that somebody looks after it, and that it is over."),
            ),
        )

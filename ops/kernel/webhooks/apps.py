"""The app's name, and what it registers at start."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """Signed messages to other systems; tables in every tenant."""

    name = "ops.kernel.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")
    schedule = {"webhooks.sweep": 30.0, "webhooks.prune": 86_400.0}

    def ready(self):
        """Say who sets them up, and name what the audit log tells of them."""
        from ops.kernel.audit import actions
        from ops.kernel.registry import PermissionDef, permissions

        permissions.register(
            "webhooks.manage_endpoint",
            PermissionDef(
                "webhooks.manage_endpoint",
                _("Set up webhooks and see what was sent"),
                {"owner", "admin"},
                "access",
                _("Which systems are told of conversations and messages, with their content."),
            ),
        )
        for action, label in (
            ("webhooks.endpoint_created", _("Webhook added")),
            ("webhooks.endpoint_changed", _("Webhook changed")),
            ("webhooks.endpoint_removed", _("Webhook removed")),
            ("webhooks.endpoint_switched_off", _("Webhook switched off because it kept failing")),
            ("webhooks.secret_rotated", _("Webhook's secret replaced")),
            ("webhooks.delivery_replayed", _("Webhook sent again")),
        ):
            actions.register(action, label)

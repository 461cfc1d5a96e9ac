"""The app's name, and what it registers at start."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """The audit log; a table in public and in every tenant."""

    name = "ops.kernel.audit"
    label = "audit"
    verbose_name = _("Audit log")

    def ready(self):
        """Say who may read the log."""
        from ops.kernel.registry import PermissionDef, permissions

        permissions.register(
            "audit.view_auditentry",
            PermissionDef(
                "audit.view_auditentry",
                _("Read the audit log"),
                {"owner", "admin"},
                "company",
                _("Who changed what, when and from where."),
            ),
        )

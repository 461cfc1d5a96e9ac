"""The app's name, and what it registers at start."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConfigurationConfig(AppConfig):
    """Settings that change at run time; a table in public and in every tenant."""

    name = "ops.kernel.configuration"
    label = "configuration"
    verbose_name = _("Configuration")

    def ready(self):
        """Name what the log says about settings, and who may change them."""
        from ops.kernel.audit import actions
        from ops.kernel.registry import PermissionDef, permissions

        actions.register("configuration.changed", _("Setting changed"))
        actions.register("configuration.keys_rotated", _("Encryption keys rotated"))
        permissions.register(
            "configuration.view_settingversion",
            PermissionDef(
                "configuration.view_settingversion",
                _("Read settings and their history"),
                {"owner", "admin"},
                "company",
                _("How features are set up, who changed it and what it was before; never a secret."),
            ),
        )
        permissions.register(
            "configuration.change_settings",
            PermissionDef(
                "configuration.change_settings",
                _("Change settings"),
                {"owner", "admin"},
                "company",
                _("Set up features and enter the keys of other services."),
            ),
        )

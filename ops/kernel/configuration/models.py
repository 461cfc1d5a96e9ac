"""Every version of every setting. A change adds a row; the active one is what is in force."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import UUIDModel


class SettingVersionQuerySet(models.QuerySet["SettingVersion"]):
    """Versions of settings in the current schema."""

    def active(self) -> Self:
        """What is in force."""
        return self.filter(active=True)

    def of(self, name: str, scope: str = "") -> Self:
        """History of one setting, newest first."""
        return self.filter(name=name, scope=scope).order_by("-version")


class SettingVersion(UUIDModel):
    """One version of one setting. Secrets stand apart, each an encrypted token; the plain values are readable."""

    name = models.CharField(_("setting"), max_length=100)
    # Empty: the schema's own. In public also what somebody between platform and tenants set: see registry.between.
    scope = models.CharField(_("set for"), max_length=40, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(_("version"))
    values = models.JSONField(_("values"), default=dict)
    secrets = models.JSONField(_("encrypted values"), default=dict)
    active = models.BooleanField(_("in force"), default=True)
    author_id = models.CharField(_("author id"), max_length=64, blank=True)
    author_label = models.CharField(_("author"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = SettingVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("setting version")
        verbose_name_plural = _("setting versions")
        default_permissions = ("view",)
        permissions = [("change_settings", _("Change settings"))]
        constraints = [
            models.UniqueConstraint(fields=["scope", "name", "version"], name="configuration_one_row_a_version"),
            models.UniqueConstraint(
                fields=["scope", "name"], condition=Q(active=True), name="configuration_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

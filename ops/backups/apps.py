"""Backup, verify, restore, move."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackupsConfig(AppConfig):
    name = "ops.backups"
    verbose_name = _("Backups")

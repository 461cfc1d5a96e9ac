"""Documents and ideas become narrated videos."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MediaStudioConfig(AppConfig):
    name = "media_studio"
    verbose_name = _("Media studio")

"""Models, training, prediction."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MlConfig(AppConfig):
    name = "ops.ml"
    verbose_name = _("Models")

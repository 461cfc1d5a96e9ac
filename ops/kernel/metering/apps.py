"""The app's name."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MeteringConfig(AppConfig):
    """Usage; tables in public only, the schema is a column."""

    name = "ops.kernel.metering"
    label = "metering"
    verbose_name = _("Metering")

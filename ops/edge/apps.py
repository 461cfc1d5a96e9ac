"""The load balancer's control plane."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EdgeConfig(AppConfig):
    name = "ops.edge"
    verbose_name = _("Edge")

"""Wrong passwords and codes, counted."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Brake(models.Model):
    """Failures under one key since an instant. The key is a hash: the table names neither account nor address.

    It stands in PostgreSQL because what stops somebody who guesses must not forget when Redis or a process starts anew.
    """

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("brake")
        verbose_name_plural = _("brakes")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key[:12]

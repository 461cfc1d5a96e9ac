"""The prepared script a new tenant's schema is made from."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel


class TemplateScript(TimestampedModel):
    """The dump of the template schema for one release; in the database, so that every process finds the same one."""

    release_hash = models.CharField(_("release"), max_length=64, unique=True)
    sql = models.TextField(editable=False)

    class Meta:
        verbose_name = _("prepared script")
        verbose_name_plural = _("prepared scripts")

    def __str__(self) -> str:
        return self.release_hash[:12]

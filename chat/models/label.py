"""Labels: words that sort conversations."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from chat.enums import LabelColor
from ops.kernel.models import TimestampedModel


class Label(TimestampedModel):
    """A word a conversation can carry, with a colour of the palette."""

    name = models.CharField(_("name"), max_length=40)
    color = models.CharField(_("color"), max_length=10, choices=LabelColor, default=LabelColor.GRAY)
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        default_permissions = ()
        permissions = [("manage_label", _("Set up labels"))]
        constraints = [models.UniqueConstraint(Lower("name"), name="chat_label_name_once")]

    def __str__(self) -> str:
        return self.name

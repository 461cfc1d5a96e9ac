"""Bots: programs that answer visitors."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import BotKind
from ops.kernel.models import TimestampedModel


class Bot(TimestampedModel):
    """A program that writes to visitors under its own name."""

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=BotKind, default=BotKind.RETRIEVAL)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

"""Abstract bases of every table: UUID keys and the two instants."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.ids import uuid7


class UUIDModel(models.Model):
    """A row whose key says nothing about how many rows there are and is unique in every schema."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(UUIDModel):
    """A row that remembers when it was made and last changed."""

    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        abstract = True

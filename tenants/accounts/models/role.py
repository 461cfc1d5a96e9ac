"""Roles: named sets of permissions."""

from django.contrib.auth.models import Permission
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import BuiltInRole


class Role(TimestampedModel):
    """What a person may do; the built-in ones are kept in step with the apps' permissions after every migration."""

    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    built_in = models.BooleanField(_("built in"), default=False)
    permissions = models.ManyToManyField(Permission, blank=True, related_name="roles", verbose_name=_("permissions"))

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name in the reader's language; roles a tenant made keep the name it gave them."""
        return str(BuiltInRole(self.slug).label) if self.built_in and self.slug in BuiltInRole.values else self.name

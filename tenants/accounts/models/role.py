"""Roles: named sets of permissions."""

from django.contrib.auth.models import Permission
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import ABOUT, BuiltInRole


class Role(TimestampedModel):
    """What a person may do; the built-in ones are kept in step with the apps' permissions after every migration."""

    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=200, blank=True)
    built_in = models.BooleanField(_("built in"), default=False)
    # Kept with the permissions, so that seats are counted without reading them.
    seated = models.BooleanField(_("takes a seat"), default=False)
    # Goes up with every change of the permissions: what processes remember of a role carries it in its key.
    revision = models.PositiveIntegerField(_("revision"), default=1)
    # From then on its people must have a second factor; empty: it is theirs to choose. Read with the person, so that the
    # rule costs no request a question.
    second_factor_from = models.DateTimeField(_("second factor required from"), null=True, blank=True)
    permissions = models.ManyToManyField(Permission, blank=True, related_name="roles", verbose_name=_("permissions"))

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        default_permissions = ()
        permissions = [("manage_role", "Can make, change and delete roles")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name in the reader's language; roles a tenant made keep the name it gave them."""
        return str(BuiltInRole(self.slug).label) if self.built_in and self.slug in BuiltInRole.values else self.name

    @property
    def about(self) -> str:
        """What it is for, in the reader's language."""
        return (
            str(ABOUT[BuiltInRole(self.slug)])
            if self.built_in and self.slug in BuiltInRole.values
            else self.description
        )

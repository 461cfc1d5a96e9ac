"""One login through the API: what a pair of JWTs stands for."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.models.user import User


class ApiSessionQuerySet(models.QuerySet["ApiSession"]):
    """Doors to API logins."""

    def open(self, now: datetime) -> Self:
        """Logins whose tokens still work."""
        return self.filter(ended_at=None, expires_at__gt=now)


class ApiSession(TimestampedModel):
    """Its id is in every token of the login; `refresh_id` names the one refresh token that may still be used.

    Ending the row stops access and refresh tokens at once, which a signature alone cannot do.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_sessions", verbose_name=_("person"))
    refresh_id = models.UUIDField(_("refresh token"))
    # The one before, good for a moment longer: two tabs may have sent it at once.
    previous_id = models.UUIDField(_("previous refresh token"), null=True, blank=True)
    rotated_at = models.DateTimeField(_("rotated at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"))
    user_agent = models.CharField(_("program"), max_length=300, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last use"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = ApiSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("API login")
        verbose_name_plural = _("API logins")

    def __str__(self) -> str:
        return str(self.pk)

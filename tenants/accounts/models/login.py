"""One login of a browser, as the person it belongs to sees it."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import Factor, LoginMethod
from tenants.accounts.models.user import User


class LoginQuerySet(models.QuerySet["Login"]):
    """Doors to logins of browsers."""

    def open(self) -> Self:
        """Those nobody has ended. Whether the session behind one is too old is the session's own matter."""
        return self.filter(ended_at=None)

    def trusted(self, now: datetime) -> Self:
        """Those whose browser need not show the second factor."""
        return self.filter(trusted_until__gt=now)


class Login(TimestampedModel):
    """Made when a session begins; the session carries its id. Ending it deletes the session.

    `device` is the value of the browser's own long-lived cookie: the same browser is known again after logging out.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="logins", verbose_name=_("person"))
    session_key = models.CharField(_("session"), max_length=40, unique=True)
    device = models.UUIDField(_("device"))
    method = models.CharField(_("way in"), max_length=16, choices=LoginMethod, default=LoginMethod.PASSWORD)
    factor = models.CharField(_("second factor"), max_length=16, choices=Factor, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last use"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    trusted_until = models.DateTimeField(_("trusted until"), null=True, blank=True)

    objects = LoginQuerySet.as_manager()

    class Meta:
        verbose_name = _("login")
        verbose_name_plural = _("logins")
        default_permissions = ()
        indexes = [models.Index(fields=["user", "device"], name="login_of_person_by_device")]

    def __str__(self) -> str:
        return str(self.pk)

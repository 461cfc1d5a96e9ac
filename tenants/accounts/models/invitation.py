"""An invitation: an address that may become a person of this schema."""

from datetime import datetime
from typing import Self

from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import InvitationState
from tenants.accounts.models.role import Role
from tenants.accounts.models.user import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Doors to invitations."""

    def search(self, text: str) -> Self:
        """Those whose address or name holds `text`, whatever its case."""
        text = text.replace("\x00", "").strip()
        return self.filter(Q(email__icontains=text) | Q(name__icontains=text)) if text else self

    def unanswered(self) -> Self:
        """Neither accepted nor revoked; also those that are too old, which can be sent again."""
        return self.filter(accepted_at=None, revoked_at=None)

    def open(self, now: datetime) -> Self:
        """Those whose link works."""
        return self.unanswered().filter(expires_at__gt=now)


class Invitation(TimestampedModel):
    """Sent to an address, for one role. The link names the row and how often it was sent: sending again ends the one before."""

    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120, blank=True, validators=[ProhibitNullCharactersValidator()])
    role = models.ForeignKey(Role, models.PROTECT, related_name="invitations", verbose_name=_("role"))
    language = models.CharField(_("language"), max_length=8, blank=True)
    invited_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="invitations_sent", verbose_name=_("invited by")
    )
    sendings = models.PositiveSmallIntegerField(_("sendings"), default=1)
    sent_at = models.DateTimeField(_("sent at"))
    expires_at = models.DateTimeField(_("expires at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="invitations_accepted", verbose_name=_("accepted by")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_once_an_address",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def state(self, now: datetime) -> InvitationState:
        """What became of it."""
        if self.accepted_at:
            return InvitationState.ACCEPTED
        if self.revoked_at:
            return InvitationState.REVOKED
        return InvitationState.PENDING if self.expires_at > now else InvitationState.EXPIRED

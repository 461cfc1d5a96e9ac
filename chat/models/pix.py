"""Amounts that an agent asked for in a conversation."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import PixState
from chat.models.conversation import Conversation
from chat.models.message import Message
from ops.kernel.models import TimestampedModel


class PixCharge(TimestampedModel):
    """A Pix code that was sent to a visitor. Only `open` moves on, and only once."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="pix_charges", verbose_name=_("conversation")
    )
    message = models.OneToOneField(Message, models.CASCADE, related_name="pix_charge", verbose_name=_("message"))
    txid = models.CharField(_("id in the statement"), max_length=25, unique=True)
    amount_cents = models.PositiveBigIntegerField(_("amount in cents"))
    text = models.CharField(_("for"), max_length=120, blank=True)
    brcode = models.TextField(_("code"))
    state = models.CharField(_("state"), max_length=10, choices=PixState, default=PixState.OPEN)
    expires_at = models.DateTimeField(_("valid until"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="pix_charges", verbose_name=_("agent")
    )

    class Meta:
        verbose_name = _("Pix charge")
        verbose_name_plural = _("Pix charges")
        default_permissions = ()
        permissions = [("manage_pix", _("Set up Pix in conversations"))]
        constraints = [models.CheckConstraint(condition=Q(amount_cents__gt=0), name="chat_pix_asks_for_something")]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="open"), name="chat_pix_open")]

    def __str__(self) -> str:
        return self.txid

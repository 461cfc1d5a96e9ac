"""What an inbox needs to reach its provider, and what is on its way there."""

import json
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import ChannelState, Delivery
from chat.models.attachment import Attachment
from chat.models.inbox import Inbox
from chat.models.message import Message
from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel


class ChannelAccount(TimestampedModel):
    """The account an inbox speaks with at its provider. Secrets go in and are never shown again."""

    inbox = models.OneToOneField(Inbox, models.CASCADE, related_name="account", verbose_name=_("inbox"))
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    secrets = EncryptedTextField(_("secrets"), default="", blank=True)
    state = models.CharField(_("state"), max_length=12, choices=ChannelState, default=ChannelState.NEW)
    problem = models.CharField(_("what went wrong"), max_length=300, blank=True)
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    # How far a mailbox was read: {"validity", "uid"}.
    cursor = models.JSONField(default=dict, blank=True, editable=False)
    synced_at = models.DateTimeField(_("mailbox read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("account of an inbox")
        verbose_name_plural = _("accounts of inboxes")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.inbox_id)

    @property
    def keys(self) -> dict[str, Any]:
        """The secrets, readable."""
        return json.loads(self.secrets) if self.secrets else {}

    @keys.setter
    def keys(self, value: dict[str, Any]) -> None:
        self.secrets = json.dumps(value) if value else ""


class OutgoingPartQuerySet(models.QuerySet["OutgoingPart"]):
    """Doors to what is on its way."""

    def waiting(self) -> Self:
        """Not handed to the provider yet."""
        return self.filter(delivery=Delivery.PENDING)


class OutgoingPart(TimestampedModel):
    """One call to the provider that a message needs: a piece of a long text, or a file.

    It is marked `unconfirmed` before the call and gets its outcome after it. So a worker that dies in between leaves
    the truth: nobody knows, and nothing sends it a second time by itself.
    """

    message = models.ForeignKey(Message, models.CASCADE, related_name="parts", verbose_name=_("message"))
    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="parts", verbose_name=_("inbox"))
    position = models.PositiveSmallIntegerField()
    attachment = models.ForeignKey(
        Attachment, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("file")
    )
    delivery = models.CharField(_("delivery"), max_length=12, choices=Delivery, default=Delivery.PENDING)
    external_id = models.CharField(_("id at the provider"), max_length=255, blank=True)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"))

    objects = OutgoingPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("part on its way")
        verbose_name_plural = _("parts on their way")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="chat_part_once"),
            models.UniqueConstraint(
                fields=["inbox", "external_id"], condition=~Q(external_id=""), name="chat_part_external_once"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(delivery="pending"), name="chat_part_due"),
            models.Index(fields=["updated_at"], condition=Q(delivery="unconfirmed"), name="chat_part_unconfirmed"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.position}"

"""What visitors left while the plan had no room for another conversation."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.contact import ContactInbox
from chat.models.conversation import Conversation
from ops.kernel.models import TimestampedModel


class LeftMessageQuerySet(models.QuerySet["LeftMessage"]):
    """Doors to the messages that were left."""

    def waiting(self) -> Self:
        """Not yet turned into a conversation nor put away."""
        return self.filter(conversation=None, dismissed_at=None)


class LeftMessage(TimestampedModel):
    """A visitor's words from the form that takes the chat's place far beyond the plan. Never dropped, never counted."""

    audit_personal = True

    contact_inbox = models.ForeignKey(
        ContactInbox, models.CASCADE, related_name="left_messages", verbose_name=_("contact of the inbox")
    )
    client_id = models.UUIDField(_("client id"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    body = models.TextField(_("text"))
    page_url = models.CharField(_("written on page"), max_length=500, blank=True)
    left_at = models.DateTimeField(_("left at"))
    conversation = models.ForeignKey(
        Conversation,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="left_messages",
        verbose_name=_("conversation"),
    )
    dismissed_at = models.DateTimeField(_("put away at"), null=True, blank=True)

    objects = LeftMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("left message")
        verbose_name_plural = _("left messages")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["contact_inbox", "client_id"], name="chat_left_message_once")]
        indexes = [models.Index(fields=["-left_at", "-id"], name="chat_left_message_recent")]

    def __str__(self) -> str:
        return self.body[:40]

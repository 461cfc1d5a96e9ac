"""How content the people outside are."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import CsatScale
from chat.models.contact import Contact
from chat.models.conversation import Conversation
from chat.models.message import Message
from ops.kernel.models import TimestampedModel


class CsatResponse(TimestampedModel):
    """A question to a visitor after a conversation was resolved, and the answer when there is one."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="csat_responses", verbose_name=_("conversation")
    )
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="csat_responses", verbose_name=_("contact"))
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="csat_responses",
        verbose_name=_("agent"),
    )
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="csat_responses", verbose_name=_("message")
    )
    scale = models.CharField(_("scale"), max_length=8, choices=CsatScale)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)
    comment = models.TextField(_("comment"), max_length=2000, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("survey answer")
        verbose_name_plural = _("survey answers")
        default_permissions = ()
        permissions = [("view_csat", _("See answers of the satisfaction survey"))]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(answered_at=None), name="chat_csat_one_open_question"
            )
        ]
        indexes = [
            models.Index(
                fields=["-answered_at", "-id"], condition=Q(answered_at__isnull=False), name="chat_csat_answered"
            ),
            models.Index(fields=["agent", "answered_at"], name="chat_csat_of_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}: {self.rating}"

"""Calls between a visitor and one agent."""

from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import CallReason, CallSide, CallState
from chat.models.conversation import Conversation
from ops.kernel.models import TimestampedModel

LIVE = Q(state__in=("ringing", "active"))


class CallQuerySet(models.QuerySet["Call"]):
    """Doors to the calls."""

    def live(self) -> Self:
        """Ringing, or people are talking."""
        return self.filter(LIVE)

    def of_visitor(self, contact_inbox_id: UUID) -> Self:
        """The visitor's own."""
        return self.filter(conversation__contact_inbox=contact_inbox_id)

    def of_agent(self, user: Any) -> Self:
        """Those this person of the team is in."""
        return self.filter(agent=user)

    def with_people(self) -> Self:
        """What is told about a call besides its own columns."""
        return self.select_related("agent", "conversation__contact")


class Call(TimestampedModel):
    """One call of a conversation. Sound and picture go from browser to browser; here stands who, when and how it ended.

    A *peer* is one page that holds the call, named by itself: after a reload, or in another tab, the same person is
    another peer, and the last one counts.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="calls", verbose_name=_("conversation"))
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_calls",
        verbose_name=_("agent"),
        help_text=_("Nobody while a visitor's call still rings at the team."),
    )
    started_by = models.CharField(_("started by"), max_length=8, choices=CallSide)
    video = models.BooleanField(_("with video"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=CallState, default=CallState.RINGING)
    reason = models.CharField(_("how it ended"), max_length=10, choices=CallReason, blank=True)
    rings_until = models.DateTimeField(_("rings until"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    agent_peer = models.CharField(max_length=36, blank=True, editable=False)
    visitor_peer = models.CharField(max_length=36, blank=True, editable=False)
    agent_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    visitor_seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["conversation"], condition=LIVE, name="chat_call_one_a_conversation"),
            models.UniqueConstraint(fields=["agent"], condition=LIVE, name="chat_call_one_an_agent"),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) | (LIVE & Q(ended_at=None)),
                name="chat_call_ended_has_its_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.state}"

    @property
    def duration_s(self) -> int:
        """Whole seconds people talked."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(0, int((self.ended_at - self.answered_at).total_seconds()))

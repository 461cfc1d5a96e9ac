"""What a team promises about time, and whether it kept it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import SlaKind
from chat.models.conversation import Conversation
from ops.kernel.models import TimestampedModel, UUIDModel


class SlaPolicy(TimestampedModel):
    """Promised times in minutes; an empty one is not promised."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    first_response_min = models.PositiveIntegerField(_("first reply within (minutes)"), null=True, blank=True)
    next_response_min = models.PositiveIntegerField(_("next reply within (minutes)"), null=True, blank=True)
    resolution_min = models.PositiveIntegerField(_("resolved within (minutes)"), null=True, blank=True)
    business_hours = models.BooleanField(
        _("only business hours count"), default=True, help_text=_("The clock stands still while the inbox is closed.")
    )
    warn_percent = models.PositiveSmallIntegerField(
        _("warn after (percent)"), default=80, help_text=_("How much of the time may pass before the team is warned.")
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("service level")
        verbose_name_plural = _("service levels")
        default_permissions = ()
        permissions = [("manage_flow", _("Set up service levels and automation"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(warn_percent__gte=1, warn_percent__lte=100), name="chat_sla_warns_before"
            )
        ]

    def __str__(self) -> str:
        return self.name


class SlaEvent(UUIDModel):
    """One promise to one conversation: when its clock began, when it ends, and how it went.

    `due_at` already counts only business hours. A paused clock has no `due_at`; `left_s` is what remains of it.
    """

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="sla_events", verbose_name=_("conversation")
    )
    policy = models.ForeignKey(
        SlaPolicy, models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("service level")
    )
    kind = models.CharField(_("promise"), max_length=14, choices=SlaKind)
    target_s = models.PositiveIntegerField(_("promised seconds"))
    started_at = models.DateTimeField(_("began"))
    warn_at = models.DateTimeField(_("warns at"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    left_s = models.PositiveIntegerField(_("seconds left while paused"), null=True, blank=True)
    warned_at = models.DateTimeField(_("warned at"), null=True, blank=True)
    breached_at = models.DateTimeField(_("broken at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    cancelled = models.BooleanField(_("no longer applies"), default=False)

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "kind"], condition=Q(ended_at=None), name="chat_sla_one_clock_a_kind"
            )
        ]
        indexes = [
            models.Index(fields=["warn_at"], condition=Q(ended_at=None, warned_at=None), name="chat_sla_to_warn"),
            models.Index(fields=["due_at"], condition=Q(ended_at=None, breached_at=None), name="chat_sla_to_break"),
            models.Index(fields=["started_at"], name="chat_sla_age"),
            # The hourly figures ask what ended lately.
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="chat_sla_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.conversation_id}"

"""What happens by itself, and what happens by one click."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import Match, RunState, Trigger
from chat.models.conversation import Conversation
from ops.kernel.models import TimestampedModel, UUIDModel


class AutomationRule(TimestampedModel):
    """When something happens and the conditions hold, the actions are done, in order.

    A condition is `{"field", "op", "value"}`, an action `{"do", ...}`; `services.rulebook` knows both languages.
    """

    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    trigger = models.CharField(_("when"), max_length=24, choices=Trigger)
    match = models.CharField(_("conditions"), max_length=3, choices=Match, default=Match.ALL)
    conditions = models.JSONField(_("if"), default=list, blank=True)
    actions = models.JSONField(_("then"), default=list)
    active = models.BooleanField(_("active"), default=False)
    position = models.PositiveIntegerField(_("position"), default=0)
    run_count = models.PositiveIntegerField(default=0, editable=False)
    last_run_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        default_permissions = ()
        indexes = [models.Index(fields=["trigger"], condition=Q(active=True), name="chat_rule_of_trigger")]

    def __str__(self) -> str:
        return self.name


class AutomationRun(UUIDModel):
    """One time a rule ran on a conversation. `source` names the fact that set it off: the same fact never runs it twice."""

    rule = models.ForeignKey(AutomationRule, models.CASCADE, related_name="runs", verbose_name=_("rule"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="automation_runs", verbose_name=_("conversation")
    )
    source = models.CharField(max_length=80)
    state = models.CharField(_("outcome"), max_length=8, choices=RunState)
    results = models.JSONField(_("what was done"), default=list)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("run of a rule")
        verbose_name_plural = _("runs of rules")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["rule", "source"], name="chat_run_once_a_fact")]
        indexes = [models.Index(fields=["rule", "-at"], name="chat_run_recent")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.state}"


class MacroQuerySet(models.QuerySet["Macro"]):
    """Doors to the macros."""

    def usable_by(self, user: Any) -> Self:
        """Everybody's and one's own."""
        return self.filter(Q(shared=True) | Q(owner=user))


class Macro(TimestampedModel):
    """Actions an agent does to a conversation by one click; the steps speak the language of the rules' actions."""

    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    steps = models.JSONField(_("steps"), default=list)
    shared = models.BooleanField(_("for the whole team"), default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="macros",
        verbose_name=_("owner"),
    )
    used_count = models.PositiveIntegerField(default=0, editable=False)

    objects = MacroQuerySet.as_manager()

    class Meta:
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        default_permissions = ()
        permissions = [("manage_macro", _("Make and change macros of the team"))]
        indexes = [models.Index(fields=["name"], name="chat_macro_name")]

    def __str__(self) -> str:
        return self.name

"""The team behind the counter: groups of people, and who looks after which inbox."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from chat.enums import Availability
from chat.models.inbox import Inbox
from ops.kernel.models import TimestampedModel


class TeamQuerySet(models.QuerySet["Team"]):
    """Doors to the teams."""

    def with_members(self) -> Self:
        """Teams with their people, as lists show them."""
        return self.prefetch_related("members")

    def of(self, user: Any) -> Self:
        """Teams a person belongs to."""
        return self.filter(team_members__user=user)


class Team(TimestampedModel):
    """A group of agents that conversations can be given to, such as *Sales*."""

    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="chat.TeamMember", related_name="chat_teams", verbose_name=_("members")
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        default_permissions = ()
        permissions = [("manage_team", _("Set up teams and agents"))]
        constraints = [models.UniqueConstraint(Lower("name"), name="chat_team_name_once")]

    def __str__(self) -> str:
        return self.name


class TeamMember(TimestampedModel):
    """A person of a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="team_members", verbose_name=_("team"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_team_members", verbose_name=_("person")
    )

    class Meta:
        verbose_name = _("member of a team")
        verbose_name_plural = _("members of teams")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="chat_team_member_once")]

    def __str__(self) -> str:
        return f"{self.team_id}: {self.user_id}"


class InboxMember(TimestampedModel):
    """An agent to whom the conversations of an inbox are handed out. An inbox without members is everybody's."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="inbox_members", verbose_name=_("inbox"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_inbox_members", verbose_name=_("person")
    )

    class Meta:
        verbose_name = _("member of an inbox")
        verbose_name_plural = _("members of inboxes")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["inbox", "user"], name="chat_inbox_member_once")]

    def __str__(self) -> str:
        return f"{self.inbox_id}: {self.user_id}"


class AgentProfile(TimestampedModel):
    """A person as an agent: whether they take work, how much of it, and how they sign.

    `open_count` and `last_assigned_at` are kept by the trigger `chat_keep_open_count` on conversations, which also
    makes a missing profile: the database's defaults stand for it. Nothing else writes them.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="agent_profile", verbose_name=_("person")
    )
    display_name = models.CharField(
        _("name for visitors"),
        max_length=80,
        blank=True,
        db_default="",
        help_text=_("Shown to visitors instead of the full name."),
    )
    availability = models.CharField(
        _("availability"),
        max_length=10,
        choices=Availability,
        default=Availability.ONLINE,
        db_default=Availability.ONLINE.value,
    )
    auto_offline = models.BooleanField(
        _("offline when the console is closed"),
        default=True,
        db_default=True,
        help_text=_("Switch it off for people who answer from notifications on their phone."),
    )
    capacity = models.PositiveSmallIntegerField(
        _("most open conversations"),
        null=True,
        blank=True,
        help_text=_("New conversations are handed out up to this number. Empty takes the inbox's number."),
    )
    signature = models.CharField(_("signature"), max_length=500, blank=True, db_default="")
    notify = models.JSONField(_("notifications"), default=dict, db_default={}, blank=True)
    ui_prefs = models.JSONField(_("console preferences"), default=dict, db_default={}, blank=True)
    open_count = models.PositiveIntegerField(_("open conversations"), default=0, db_default=0, editable=False)
    last_assigned_at = models.DateTimeField(_("last assigned at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_default=Now())

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        default_permissions = ()
        indexes = [models.Index(fields=["availability", "open_count", "last_assigned_at"], name="chat_agent_next")]

    def __str__(self) -> str:
        return self.display_name or str(self.user)

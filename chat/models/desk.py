"""What makes an agent's desk their own: ready answers, views, drafts."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from chat.enums import Scope
from chat.models.conversation import Conversation
from chat.models.message import Message
from chat.models.search import Matches, words
from chat.models.team import Team
from ops.kernel.models import TimestampedModel


class SharedQuerySet(models.QuerySet[Any]):
    """Rows that are everybody's, a team's, or one person's."""

    def for_person(self, user: Any) -> Self:
        """What this person may use: everybody's, their teams' and their own."""
        own_teams = Team.objects.of(user).values("pk")
        return self.filter(
            Q(scope=Scope.EVERYBODY) | Q(scope=Scope.TEAM, team__in=own_teams) | Q(scope=Scope.PERSON, owner=user)
        )


class CannedQuerySet(SharedQuerySet):
    """Doors to the ready answers."""

    def search(self, text: str) -> Self:
        """By the beginning of the shortcut or by words of the text; accents and case aside."""
        text = text.strip().removeprefix("/")[:80]
        wanted = words(text)
        if not text or wanted is None:
            return self if not text else self.none()
        return self.filter(Q(Matches("shortcut", wanted)) | Q(Matches("body", wanted)))


class Shared(TimestampedModel):
    """Something that belongs to everybody, to a team, or to one person."""

    scope = models.CharField(_("for whom"), max_length=10, choices=Scope, default=Scope.EVERYBODY)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team"))

    class Meta:
        abstract = True


WHOSE = (
    Q(scope=Scope.EVERYBODY, owner=None, team=None)
    | Q(scope=Scope.TEAM, owner=None, team__isnull=False)
    | Q(scope=Scope.PERSON, owner__isnull=False, team=None)
)


class CannedResponse(Shared):
    """A ready answer, found by its shortcut. `{{ contact.name }}` and its like are filled when it is used."""

    shortcut = models.CharField(_("shortcut"), max_length=40)
    body = models.TextField(_("text"))

    objects = CannedQuerySet.as_manager()

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        default_permissions = ()
        permissions = [("manage_canned", _("Write canned replies for others"))]
        constraints = [
            models.UniqueConstraint(
                Lower("shortcut"), "scope", "owner", "team", name="chat_canned_shortcut_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=WHOSE, name="chat_canned_is_somebodys"),
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class SavedView(Shared):
    """A list of conversations with its filters, kept under a name."""

    name = models.CharField(_("name"), max_length=60)
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    sort = models.CharField(_("order"), max_length=20, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = SharedQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        default_permissions = ()
        permissions = [("manage_view", _("Set up views for others"))]
        constraints = [models.CheckConstraint(condition=WHOSE, name="chat_view_is_somebodys")]

    def __str__(self) -> str:
        return self.name


class Draft(TimestampedModel):
    """What an agent has begun to write in a conversation and not sent: a reply, and beside it a note."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_drafts", verbose_name=_("agent")
    )
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="drafts", verbose_name=_("conversation")
    )
    private = models.BooleanField(_("private note"), default=False)
    body = models.TextField(_("text"))
    reply_to = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("answers")
    )

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "conversation", "private"], name="chat_draft_once")]

    def __str__(self) -> str:
        return self.body[:40]

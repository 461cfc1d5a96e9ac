"""Telling the team: mentions, notifications, and the browsers they are pushed to."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import NotificationKind
from chat.models.conversation import Conversation
from chat.models.message import Message
from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel


class Mention(TimestampedModel):
    """A person somebody called by name in a message or a note."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="mentions", verbose_name=_("message"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="mentions", verbose_name=_("conversation")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_mentions", verbose_name=_("person")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="chat_mention_once")]
        indexes = [models.Index(fields=["user", "conversation"], name="chat_mention_of_person")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.user_id}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Doors to the notifications."""

    def of(self, user: Any) -> Self:
        """A person's own."""
        return self.filter(user=user)

    def unread(self) -> Self:
        """Not looked at yet."""
        return self.filter(read_at=None)

    def with_people(self) -> Self:
        """What a line of the list shows besides its own columns."""
        return self.select_related("author", "conversation__contact")


class Notification(TimestampedModel):
    """Something a person of the team should look at. `key` says what it is about, so that it is told once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_notifications", verbose_name=_("person")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=NotificationKind)
    key = models.CharField(_("key"), max_length=120)
    conversation = models.ForeignKey(
        Conversation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="notifications",
        verbose_name=_("conversation"),
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    text = models.CharField(_("text"), max_length=200, blank=True)
    count = models.PositiveIntegerField(_("how often"), default=1)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="chat_notification_once")]
        indexes = [
            models.Index(fields=["user", "-updated_at", "-id"], name="chat_notification_list"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="chat_notification_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text[:40]}"


class PushSubscription(TimestampedModel):
    """A browser that takes notifications while the console is closed (Web Push, RFC 8030)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_subscriptions", verbose_name=_("person")
    )
    endpoint = models.URLField(_("address of the push service"), max_length=1000, unique=True)
    p256dh = models.CharField(_("browser's key"), max_length=120)
    auth = EncryptedTextField(_("browser's secret"))
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        default_permissions = ()

    def __str__(self) -> str:
        return self.endpoint[:60]

"""Messages."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import Delivery, Direction, Kind
from chat.models.bot import Bot
from chat.models.contact import Contact
from chat.models.conversation import Conversation
from chat.models.inbox import Inbox
from ops.kernel.models import UUIDModel


class MessageQuerySet(models.QuerySet["Message"]):
    """Doors to the messages."""

    def public(self) -> "MessageQuerySet":
        """What the visitor may see."""
        return self.filter(pub_seq__isnull=False)

    def with_people(self) -> "MessageQuerySet":
        """What a line of the thread shows besides its own columns."""
        return self.select_related("author_agent__agent_profile", "author_contact", "author_bot").prefetch_related(
            "attachments"
        )


class Message(UUIDModel):
    """One line of a thread, written only by `chat_post`. A private note has no `pub_seq`."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    seq = models.BigIntegerField()
    pub_seq = models.BigIntegerField(null=True, blank=True)
    client_id = models.UUIDField(_("client id"))
    direction = models.CharField(_("direction"), max_length=10, choices=Direction)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.TEXT)
    body = models.TextField(_("text"), blank=True)
    body_html = models.TextField(_("formatted text"), blank=True, default="", db_default="")
    private = models.BooleanField(_("private note"), default=False)
    author_agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_messages",
        verbose_name=_("agent"),
    )
    author_contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("contact")
    )
    author_bot = models.ForeignKey(
        Bot, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("bot")
    )
    reply_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replies", verbose_name=_("answers")
    )
    delivery = models.CharField(_("delivery"), max_length=12, choices=Delivery, default=Delivery.SENT)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True, default="", db_default="")
    inbox = models.ForeignKey(
        Inbox, models.PROTECT, null=True, blank=True, related_name="messages", verbose_name=_("inbox")
    )
    source_id = models.CharField(_("id at the provider"), max_length=255, blank=True, default="", db_default="")
    meta = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="chat_message_seq_once"),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="chat_message_client_id_once"),
            models.UniqueConstraint(
                fields=["inbox", "source_id"],
                condition=~models.Q(source_id=""),
                name="chat_message_source_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(private=True, pub_seq__isnull=False), name="chat_message_note_is_never_public"
            ),
        ]
        indexes = [
            # For counting by the hour: rows lie in the order they were written, so a few pages of index do.
            BrinIndex(fields=["created_at"], name="chat_message_age", pages_per_range=32),
            models.Index(
                fields=["conversation", "pub_seq"],
                condition=models.Q(pub_seq__isnull=False),
                name="chat_message_public",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.body[:40]}"

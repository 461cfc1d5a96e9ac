"""The history of every conversation, from which clients catch up."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.conversation import Conversation
from chat.models.message import Message


class TransactionIdField(models.Field):
    """PostgreSQL's 64-bit transaction id, filled by the database."""

    def db_type(self, connection: Any) -> str:
        """Name of the column type."""
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        """The number of the transaction."""
        return None if value is None else int(value)


class ChatEvent(models.Model):
    """One entry of a conversation's history, written only by the SQL functions of the migrations.

    Within a conversation `seq` has no gaps and follows the order of commits. Over the tenant, ids may commit out
    of order: a reader goes by `(xid, id)` and stops below the oldest transaction still running.
    """

    id = models.BigAutoField(primary_key=True)
    xid = TransactionIdField(db_default=models.Func(function="pg_current_xact_id"), editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="events", verbose_name=_("conversation")
    )
    seq = models.BigIntegerField()
    pub_seq = models.BigIntegerField(null=True, blank=True)
    type = models.CharField(_("type"), max_length=32)  # one of `EventType`
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("message")
    )
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["conversation", "seq"], name="chat_event_seq_once")]
        indexes = [
            models.Index(fields=["xid", "id"], name="chat_event_cursor"),
            models.Index(
                fields=["conversation", "pub_seq"], condition=models.Q(pub_seq__isnull=False), name="chat_event_public"
            ),
            models.Index(fields=["created_at"], name="chat_event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"

"""Files of messages."""

from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import AttachmentKind, AttachmentState
from chat.models.contact import Contact
from chat.models.message import Message
from ops.kernel.models import TimestampedModel


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Doors to the files."""

    def of_agent(self, user: Any) -> Self:
        """What this person of the team uploaded."""
        return self.filter(by_agent=user)

    def of_contact(self, contact_id: UUID) -> Self:
        """What this visitor uploaded."""
        return self.filter(by_contact=contact_id)

    def unsent(self) -> Self:
        """Uploads that neither a message nor an article carries."""
        return self.filter(message=None, article_picture=None)

    def in_order(self) -> Self:
        """As their sender chose them."""
        return self.order_by("position", "pk")


class Attachment(TimestampedModel):
    """One file: what came in, what we made of it, and how far that is.

    `uploading` until every byte is here (kept as `parts`), `scanning` while the worker looks at it and makes what
    players and channels need, then `ready` or `rejected`. Only a ready file has a `file` and can be opened.
    A row without a message is an upload nobody sent yet, or whose message is gone; the sweep removes it after a day.
    """

    audit_personal = True

    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="attachments", verbose_name=_("message")
    )
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=AttachmentKind, default=AttachmentKind.DOCUMENT)
    state = models.CharField(_("state"), max_length=10, choices=AttachmentState, default=AttachmentState.UPLOADING)
    reason = models.CharField(_("reason"), max_length=40, blank=True, help_text=_("Why a file was rejected."))
    voice = models.BooleanField(_("recorded voice"), default=False)
    name = models.CharField(_("name"), max_length=200)
    bytes = models.BigIntegerField(_("size"), help_text=_("Of the upload while it lasts, of the file afterwards."))
    received = models.BigIntegerField(default=0, editable=False)
    parts = models.JSONField(default=list, blank=True, editable=False)
    stored_bytes = models.BigIntegerField(_("stored bytes"), default=0, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    mime = models.CharField(_("type"), max_length=100, blank=True)
    file = models.FileField(_("file"), max_length=255, blank=True)
    thumb = models.FileField(_("preview"), max_length=255, blank=True)
    opus = models.FileField(_("as Ogg Opus"), max_length=255, blank=True)
    width = models.PositiveIntegerField(_("width"), null=True, blank=True)
    height = models.PositiveIntegerField(_("height"), null=True, blank=True)
    duration_s = models.FloatField(_("seconds"), null=True, blank=True)
    peaks = models.JSONField(_("waveform"), default=list, blank=True)
    by_agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_attachments",
        verbose_name=_("agent"),
    )
    by_contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="attachments", verbose_name=_("contact")
    )

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(received__lte=models.F("bytes")) | ~Q(state="uploading"),
                name="chat_attachment_received_within_size",
            ),
            models.CheckConstraint(condition=~Q(state="ready", file=""), name="chat_attachment_ready_has_a_file"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(message=None), name="chat_attachment_unsent"),
            models.Index(fields=["updated_at"], condition=Q(state="scanning"), name="chat_attachment_scanning"),
            # The plan's storage is their sum, asked for at every upload: read from the index alone.
            models.Index(fields=["stored_bytes"], name="chat_attachment_stored"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def names(self) -> list[str]:
        """Everything of it that lies in the storage."""
        return [*self.parts, *(one.name for one in (self.file, self.thumb, self.opus) if one)]

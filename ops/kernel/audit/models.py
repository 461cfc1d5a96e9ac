"""The audit log: what was done, by whom, to what. Rows are added and never changed."""

from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit.actions import label_of
from ops.kernel.models import UUIDModel


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Reading the log; changing it is refused by the database."""

    def newest_first(self) -> Self:
        """Latest first, one order for equal instants."""
        return self.order_by("-at", "-id")

    def search(self, text: str) -> Self:
        """Entries whose action, actor, object or request id contain the text."""
        text = text.strip()
        if not text:
            return self
        return self.filter(
            Q(action__icontains=text)
            | Q(actor_label__icontains=text)
            | Q(object_label__icontains=text)
            | Q(pk__in=AuditWords.objects.filter(label__icontains=text).values("pk"))
            | Q(object_id=text)
            | Q(request_id=text)
        )

    def with_words(self) -> Self:
        """With `words_label` and `words_detail`: what was kept beside the chain, as long as it was not erased."""
        words = AuditWords.objects.filter(pk=OuterRef("pk"))
        return self.annotate(
            words_label=Coalesce(NullIf("object_label", Value("")), Subquery(words.values("label")[:1]), Value("")),
            words_detail=Subquery(words.values("detail")[:1]),
        )

    def about(self, thing: models.Model) -> Self:
        """Entries about one object."""
        return self.filter(object_type=thing._meta.label_lower, object_id=str(thing.pk))


class AuditEntry(UUIDModel):
    """One thing that was done. Actor and object are values: they outlive the rows they name.

    `seq`, `prev_hash` and `hash` are written by the database at commit and chain the entries of a schema.
    """

    at = models.DateTimeField(_("when"), default=timezone.now)
    action = models.CharField(_("action"), max_length=100)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    actor_kind = models.CharField(_("kind of actor"), max_length=20, default="system")
    object_type = models.CharField(_("kind of object"), max_length=100, blank=True)
    object_id = models.CharField(_("object id"), max_length=64, blank=True)
    object_label = models.CharField(_("object"), max_length=200, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    request_id = models.CharField(_("request id"), max_length=100, blank=True)
    ip = models.CharField(_("address"), max_length=45, blank=True)
    seq = models.BigIntegerField(_("position"), null=True, editable=False)
    prev_hash = models.CharField(_("hash of the entry before"), max_length=64, blank=True, editable=False)
    hash = models.CharField(_("hash"), max_length=64, blank=True, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["seq"], name="audit_one_entry_per_position")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["object_type", "object_id", "-at"], name="audit_object"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action_label}: {self.object_label}" if self.object_label else str(self.action_label)

    @property
    def action_label(self) -> str:
        """The action in words for people."""
        return label_of(self.action)


class AuditWords(models.Model):
    """What an entry says that names a person outside: beside the chain, under the entry's id, so that it can be erased.

    The chain holds the object's id alone; without this row the entry still says what was done, when and by whom.
    """

    id = models.UUIDField(_("entry"), primary_key=True, editable=False)
    object_type = models.CharField(_("kind of object"), max_length=100)
    object_id = models.CharField(_("object id"), max_length=64)
    label = models.CharField(_("object"), max_length=200, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("words of an audit entry")
        verbose_name_plural = _("words of audit entries")
        default_permissions = ()
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_words_object")]

    def __str__(self) -> str:
        return self.label

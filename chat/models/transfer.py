"""Data on its way in and out: imports of spreadsheets and of other counters, exports of everything."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import ExportKind, LineOutcome, TransferState
from chat.models.contact import Contact
from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Doors to what is on its way."""

    def newest_first(self) -> Self:
        """As a list of them is read."""
        return self.order_by("-pk")


class Transfer(TimestampedModel):
    """What every import and export has: who wanted it, how far it is, and how it ended."""

    state = models.CharField(_("state"), max_length=10, choices=TransferState, default=TransferState.WAITING)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    problem = models.CharField(_("what went wrong"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        """Nothing more happens by itself."""
        return self.state in {TransferState.DONE, TransferState.FAILED, TransferState.STOPPED}

    @property
    def percent(self) -> int:
        """How far, 0 to 100."""
        return min(100, self.done * 100 // self.total) if self.total else 0


class ContactImport(Transfer):
    """A spreadsheet of contacts. Its file is deleted when the import is over; refused lines are kept as `ImportLine`s.

    `place` is how many lines are done; it moves in the same transaction as a batch's contacts, so that a batch that is
    tried again is not taken twice.
    """

    name = models.CharField(_("file"), max_length=200)
    file = models.FileField(_("file"), max_length=255, blank=True)
    bytes = models.BigIntegerField(_("size"), default=0)
    encoding = models.CharField(_("encoding"), max_length=12, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=1, blank=True)
    headings = models.JSONField(default=list, blank=True)
    mapping = models.JSONField(
        _("mapping"), default=list, blank=True, help_text=_("For each column of the file, what it becomes.")
    )
    update_known = models.BooleanField(_("change contacts that are known already"), default=True)
    place = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("import of contacts")
        verbose_name_plural = _("imports of contacts")
        default_permissions = ()
        indexes = [models.Index(fields=["state", "updated_at"], name="chat_contact_import_state")]

    def __str__(self) -> str:
        return self.name


class ImportLine(models.Model):
    """What happens, or happened, to one line of a spreadsheet."""

    id = models.BigAutoField(primary_key=True)
    transfer = models.ForeignKey(ContactImport, models.CASCADE, related_name="lines", verbose_name=_("import"))
    number = models.PositiveIntegerField(_("line"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=LineOutcome)
    who = models.CharField(_("who"), max_length=120, blank=True)
    field = models.CharField(_("field"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    cells = models.JSONField(default=list, blank=True)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("contact")
    )

    class Meta:
        verbose_name = _("line of an import")
        verbose_name_plural = _("lines of imports")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["transfer", "number"], name="chat_import_line_once")]
        indexes = [models.Index(fields=["transfer", "outcome", "number"], name="chat_import_line_outcome")]

    def __str__(self) -> str:
        return f"{self.number}: {self.outcome}"


class DataExport(Transfer):
    """Everything of one kind as a file to take away. The file is deleted after `expires_at`."""

    kind = models.CharField(_("what"), max_length=14, choices=ExportKind)
    format = models.CharField(_("format"), max_length=5, default="csv")
    file = models.FileField(_("file"), max_length=255, blank=True)
    bytes = models.BigIntegerField(_("size"), default=0)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        default_permissions = ()
        indexes = [
            models.Index(fields=["expires_at"], condition=~Q(file=""), name="chat_export_expires"),
            models.Index(fields=["state", "updated_at"], name="chat_export_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.format})"


class AccountImport(Transfer):
    """A Chatwoot account on its way here, through its public API.

    `place` says what is read next: a stage, a page of it, and where inside that page. Rows are made under ids that come
    from the other side's ids, so what is read twice is stored once.
    """

    base_url = models.CharField(_("address"), max_length=300)
    account = models.CharField(_("account id"), max_length=20)
    token = EncryptedTextField(_("access token"), blank=True)
    name = models.CharField(_("account"), max_length=120, blank=True)
    with_files = models.BooleanField(_("files too"), default=True)
    place = models.JSONField(default=dict, blank=True, editable=False)
    due_at = models.DateTimeField(_("goes on at"), null=True, blank=True)
    report = models.JSONField(_("what stayed behind"), default=list, blank=True)

    class Meta:
        verbose_name = _("import of an account")
        verbose_name_plural = _("imports of accounts")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["base_url", "account"],
                condition=Q(state__in=["waiting", "running"]),
                name="chat_one_import_an_account",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.base_url

"""How letters of a tenant, or of a reseller's tenants, leave: the sender's own address, and words of their own."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel
from tenants.enums import SenderState
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant

ONE_OWNER = models.Q(tenant__isnull=False, reseller__isnull=True) | models.Q(
    tenant__isnull=True, reseller__isnull=False
)


class MailSender(TimestampedModel):
    """An address letters are sent from once the DNS of its domain says that we may.

    `selector` names the record of our public key below the domain; it is this row's alone, so a domain that several
    claim speaks only for the one who can write into its DNS.
    """

    tenant = models.OneToOneField(Tenant, models.CASCADE, null=True, blank=True, related_name="mail_sender")
    reseller = models.OneToOneField(Reseller, models.CASCADE, null=True, blank=True, related_name="mail_sender")
    address = models.EmailField(_("sender address"))
    selector = models.CharField(_("selector"), max_length=32, unique=True)
    # PKCS #1 in PEM, as RFC 6376 signers take it; the public half is base64 of its DER form, as the DNS shows it.
    private_key = EncryptedTextField(editable=False)
    public_key = models.TextField(editable=False)
    state = models.CharField(_("state"), max_length=8, choices=SenderState, default=SenderState.WAITING)
    dkim = models.BooleanField(_("signature found"), default=False)
    spf = models.BooleanField(_("permission found"), default=False)
    dmarc = models.CharField(_("policy"), max_length=20, blank=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)

    class Meta:
        verbose_name = _("e-mail sender")
        verbose_name_plural = _("e-mail senders")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=ONE_OWNER, name="mail_sender_has_one_owner")]

    def __str__(self) -> str:
        return self.address

    @property
    def owner(self) -> Tenant | Reseller:
        """Whose letters leave from it."""
        owner = self.tenant or self.reseller
        assert owner is not None, "held by a constraint"
        return owner

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


class LetterTextQuerySet(models.QuerySet["LetterText"]):
    """Doors to letters in somebody's own words; every tenant can see this table, so its readers start with `of`."""

    def of(self, owner: Tenant | Reseller) -> Self:
        """Those of one tenant, or of one reseller."""
        return self.filter(**{"tenant" if isinstance(owner, Tenant) else "reseller": owner})


class LetterText(TimestampedModel):
    """One letter in one language, in its owner's words: a subject and Markdown with `{{name}}` places."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, related_name="letter_texts")
    reseller = models.ForeignKey(Reseller, models.CASCADE, null=True, blank=True, related_name="letter_texts")
    letter = models.CharField(_("letter"), max_length=60)
    language = models.CharField(_("language"), max_length=8)
    subject = models.CharField(_("subject"), max_length=150)
    body = models.TextField(_("text"))

    objects = LetterTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("own letter")
        verbose_name_plural = _("own letters")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=ONE_OWNER, name="letter_text_has_one_owner"),
            models.UniqueConstraint(
                fields=["tenant", "reseller", "letter", "language"],
                name="letter_text_once_a_language",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter} ({self.language})"

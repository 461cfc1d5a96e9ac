"""Contacts: the people outside."""

from typing import Self
from uuid import UUID

import phonenumbers
from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from chat.enums import OptOutWay
from chat.models import phones
from chat.models.inbox import Inbox
from chat.models.label import Label
from chat.models.search import HasDigits, Matches, words
from ops.kernel.models import TimestampedModel


def visitor_number(key: UUID | str) -> int:
    """Four digits of a contact's key: they tell apart people of whom nothing is known, the same on every screen.

    `static/js/chat/format.js` counts alike.
    """
    return int(str(key)[-6:], 16) % 9000 + 1000


class ContactQuerySet(models.QuerySet["Contact"]):
    """Doors to the contacts."""

    def current(self) -> Self:
        """People as they are known now: without those who turned out to be somebody else."""
        return self.filter(merged_into=None)

    def search(self, text: str) -> Self:
        """Contacts whose name, company, e-mail or phone matches, accents and case aside."""
        text = text.strip()[:100]
        if not text:
            return self
        digits = "".join(character for character in text if character.isdigit())
        wanted = words(text)
        found = Q(email__istartswith=text) | Q(identifier=text)
        if len(digits) >= 4:
            found |= Q(HasDigits("phone_e164", Value(f"{digits[:15]}:*")))
        ways = [Contact.objects.filter(found).values("pk")]
        if wanted is not None:
            ways += [Contact.objects.filter(Matches(name, wanted)).values("pk") for name in ("name", "company")]
        # Put together before a page is cut: else the newest people would be read one by one until enough of them match.
        return self.filter(pk__in=ways[0].union(*ways[1:]) if ways[1:] else ways[0])


class Contact(TimestampedModel):
    """A person outside, anonymous until they or the website say who they are."""

    audit_personal = True

    name = models.CharField(_("name"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone_e164 = models.CharField(
        _("phone"), max_length=16, blank=True, help_text=_("With country code: +5511999990000")
    )
    phone_match_key = models.GeneratedField(
        expression=phones.MATCH_KEY, output_field=models.CharField(max_length=20), db_persist=True
    )
    company = models.CharField(_("company"), max_length=120, blank=True, default="", db_default="")
    identifier = models.CharField(  # noqa: DJ001 — unique, but only when known
        _("identifier"),
        max_length=120,
        null=True,
        blank=True,
        help_text=_("Who this is in the website's own system."),
    )
    attrs = models.JSONField(_("attributes"), default=dict, blank=True)
    blocked = models.BooleanField(_("blocked"), default=False)
    labels = models.ManyToManyField(Label, related_name="contacts", blank=True, verbose_name=_("labels"))
    consent_at = models.DateTimeField(_("consent given at"), null=True, blank=True)
    consent_text_version = models.CharField(
        _("version of the consent text"), max_length=40, blank=True, default="", db_default=""
    )
    opted_out_at = models.DateTimeField(_("wants no campaigns since"), null=True, blank=True)
    opted_out_via = models.CharField(
        _("said so"), max_length=8, choices=OptOutWay, blank=True, default="", db_default=""
    )
    merged_into = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="merged", verbose_name=_("merged into")
    )
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)
    last_page = models.JSONField(_("last page"), default=dict, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        default_permissions = ()
        permissions = [
            ("view_contact", _("See contacts")),
            ("change_contact", _("Add and change contacts")),
            ("manage_privacy", _("Hand over and erase personal data")),
            ("transfer_data", _("Import and export contacts and conversations")),
        ]
        constraints = [models.UniqueConstraint(fields=["identifier"], name="chat_contact_identifier_once")]
        indexes = [
            models.Index(fields=["email"], name="chat_contact_email"),
            models.Index(fields=["phone_match_key"], name="chat_contact_phone_key", condition=~Q(phone_match_key="")),
            models.Index(F("last_seen_at").desc(nulls_last=True), "id", name="chat_contact_recent"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.phone or _("Visitor %(number)s") % {"number": visitor_number(self.pk)}

    @property
    def phone(self) -> str:
        """The phone as people write it, with its country: `+55 11 91234-5678`."""
        try:
            number = phonenumbers.parse(self.phone_e164)
        except phonenumbers.NumberParseException:
            return self.phone_e164
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class ContactInbox(TimestampedModel):
    """A contact as one inbox knows it. `source_id` never is the visitor's secret itself."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="contact_inboxes", verbose_name=_("contact"))
    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="contact_inboxes", verbose_name=_("inbox"))
    source_id = models.CharField(_("source id"), max_length=128)

    class Meta:
        verbose_name = _("contact of an inbox")
        verbose_name_plural = _("contacts of inboxes")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["inbox", "source_id"], name="chat_contact_inbox_source_once")]

    def __str__(self) -> str:
        return self.source_id


class ContactNote(TimestampedModel):
    """Something the team wrote down about a contact."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="notes", verbose_name=_("contact"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_contact_notes",
        verbose_name=_("author"),
    )
    body = models.TextField(_("text"))

    class Meta:
        verbose_name = _("note about a contact")
        verbose_name_plural = _("notes about contacts")
        default_permissions = ()
        indexes = [models.Index(fields=["contact", "-created_at"], name="chat_contact_note_list")]

    def __str__(self) -> str:
        return self.body[:40]


class ContactMerge(TimestampedModel):
    """Two contacts that turned out to be one person, with what it takes to separate them again."""

    kept = models.ForeignKey(Contact, models.CASCADE, related_name="merges", verbose_name=_("kept"))
    gone = models.ForeignKey(Contact, models.CASCADE, related_name="merges_away", verbose_name=_("gone"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("merge of contacts")
        verbose_name_plural = _("merges of contacts")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["gone"], condition=Q(undone_at=None), name="chat_contact_merged_once"),
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="chat_contact_merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.gone_id} → {self.kept_id}"

"""Contacts: the people outside."""

from typing import Self

import phonenumbers
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.models.inbox import Inbox
from chat.models.search import Matches, words
from ops.kernel.models import TimestampedModel


class ContactQuerySet(models.QuerySet["Contact"]):
    """Doors to the contacts."""

    def search(self, text: str) -> Self:
        """Contacts whose name, e-mail or phone matches, accents and case aside."""
        text = text.strip()[:100]
        if not text:
            return self
        digits = "".join(character for character in text if character.isdigit())
        wanted = words(text)
        found = Q(email__istartswith=text) | Q(identifier=text)
        if wanted is not None:
            found |= Q(Matches("name", wanted))
        if len(digits) >= 4:
            found |= Q(phone_e164__contains=digits)
        return self.filter(found)


class Contact(TimestampedModel):
    """A person outside, anonymous until they or the website say who they are."""

    name = models.CharField(_("name"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone_e164 = models.CharField(
        _("phone"), max_length=16, blank=True, help_text=_("With country code: +5511999990000")
    )
    identifier = models.CharField(  # noqa: DJ001 — unique, but only when known
        _("identifier"),
        max_length=120,
        null=True,
        blank=True,
        help_text=_("Who this is in the website's own system."),
    )
    attrs = models.JSONField(_("attributes"), default=dict, blank=True)
    blocked = models.BooleanField(_("blocked"), default=False)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)
    last_page = models.JSONField(_("last page"), default=dict, blank=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        default_permissions = ()
        permissions = [
            ("view_contact", _("See contacts")),
            ("change_contact", _("Add and change contacts")),
        ]
        constraints = [models.UniqueConstraint(fields=["identifier"], name="chat_contact_identifier_once")]
        indexes = [models.Index(fields=["email"], name="chat_contact_email")]

    def __str__(self) -> str:
        return self.name or self.email or self.phone or str(_("Visitor"))

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

"""Contacts: the people outside."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from chat.models import Contact, phones
from ops.kernel.audit import services as audit
from ops.kernel.errors import Conflict, Invalid

MOST_ATTRIBUTES, ATTRIBUTE_NAME_LIMIT = 50, 60
CHANGEABLE = {"name", "email", "phone_e164", "identifier", "attrs", "blocked"}


class IdentifierTaken(Conflict):
    """Another contact is that person already."""

    code = "identifier_taken"
    message = _("Another contact has this identifier.")


@transaction.atomic
def create(*, by: Any = None, now: datetime | None = None, **fields: Any) -> Contact:
    """Add a contact. Raises `Invalid`, `IdentifierTaken`."""
    contact = Contact()
    _fill(contact, fields)
    _save(contact)
    audit.record("chat.contact_created", by=by, on=contact, now=now)
    return contact


@transaction.atomic
def change(*, contact: Contact, by: Any = None, now: datetime | None = None, **fields: Any) -> Contact:
    """Change what is known about a contact. Raises `Invalid`, `IdentifierTaken`."""
    _fill(contact, fields)
    _save(contact)
    audit.record("chat.contact_changed", by=by, on=contact, detail={"fields": sorted(fields)}, now=now)
    return contact


@transaction.atomic
def introduce(
    *,
    contact_id: UUID,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    attrs: dict[str, str] | None = None,
) -> Contact:
    """Keep what a visitor says about themselves; an empty value leaves what is known, an empty attribute goes.

    Raises `Invalid`.
    """
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=contact_id)
    given = {"name": name, "email": email, "phone_e164": phone}
    _fill(contact, {field: value for field, value in given.items() if value})
    if attrs:
        merged = {**contact.attrs, **attrs}
        contact.attrs = {key: value for key, value in merged.items() if value}
        if len(contact.attrs) > MOST_ATTRIBUTES or any(len(key) > ATTRIBUTE_NAME_LIMIT for key in attrs):
            raise Invalid(
                _("At most %(count)s attributes with names of up to %(limit)s characters."),
                field="attrs",
                count=MOST_ATTRIBUTES,
                limit=ATTRIBUTE_NAME_LIMIT,
            )
    contact.save()
    return contact


def see(*, contact_id: UUID, now: datetime, page: dict[str, str] | None = None) -> None:
    """Remember when, and on which page, a visitor was last here."""
    changes: dict[str, Any] = {"last_seen_at": now}
    if page is not None:
        changes["last_page"] = {"url": page.get("url", "")[:500], "title": page.get("title", "")[:200]}
    Contact.objects.filter(pk=contact_id).update(**changes)


def _fill(contact: Contact, fields: dict[str, Any]) -> None:
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"These are no fields of a contact: {', '.join(sorted(unknown))}.")
    if fields.get("email"):
        fields["email"] = _email(fields["email"])
    if fields.get("phone_e164"):
        fields["phone_e164"] = _phone(fields["phone_e164"])
    for field, value in fields.items():
        setattr(contact, field, (value or None) if field == "identifier" else value)


def _email(value: str) -> str:
    value = value.strip().lower()
    try:
        validate_email(value)
    except ValidationError as error:
        raise Invalid(_("This is not an e-mail address."), field="email") from error
    return value


def _phone(value: str) -> str:
    """A phone with country code. Brazilian numbers may be written the way people do: (11) 99999-0000."""
    number = phones.normalise(value)
    if number is None:
        raise Invalid(_("Write the phone with its country code, such as +55 11 99999-0000."), field="phone")
    return number


def _save(contact: Contact) -> None:
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError as error:
        raise IdentifierTaken(field="identifier") from error

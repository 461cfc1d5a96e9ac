"""Notes: what the team wrote down about a contact."""

from datetime import datetime
from typing import Any

from django.db import transaction

from chat.models import Contact, ContactNote
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, PermissionRefused

BODY_LIMIT = 4_000


@transaction.atomic
def add(*, contact: Contact, body: str, by: Any, now: datetime | None = None) -> ContactNote:
    """Write something down. Raises `Invalid`."""
    note = ContactNote.objects.create(contact=contact, author=by, body=_clean(body))
    audit.record("chat.contact_note_added", by=by, on=contact, now=now)
    return note


@transaction.atomic
def change(*, note: ContactNote, body: str, by: Any, now: datetime | None = None) -> ContactNote:
    """Write it differently; only its author does. Raises `Invalid`, `PermissionRefused`."""
    if note.author_id != by.pk:
        raise PermissionRefused()
    note.body = _clean(body)
    note.save(update_fields=["body", "updated_at"])
    audit.record("chat.contact_note_changed", by=by, on=note.contact, now=now)
    return note


@transaction.atomic
def delete(*, note: ContactNote, by: Any, now: datetime | None = None) -> None:
    """Remove a note: one's own, or anybody's with the permission to set up inboxes. Raises `PermissionRefused`."""
    if note.author_id != by.pk and not by.has_perm("chat.manage_inbox"):
        raise PermissionRefused()
    audit.record("chat.contact_note_deleted", by=by, on=note.contact, now=now)
    note.delete()


def _clean(body: str) -> str:
    text = body.replace("\r\n", "\n").strip()
    if not text or len(text) > BODY_LIMIT:
        raise Invalid(field="body")
    return text

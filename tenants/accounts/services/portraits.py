"""Pictures of people: made small and square, kept under a name that nobody guesses."""

from datetime import datetime
from typing import IO, Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from ops.kernel.audit import services as audit
from tenants.accounts.models import User
from tenants.services import pictures

FOLDER = "people"


@transaction.atomic
def change(
    *, user: User, upload: IO[bytes], by: Any, now: datetime, crop: tuple[float, float, float] | None = None
) -> None:
    """Another picture. Raises `ImageRefused` for what is none."""
    picture = pictures.portrait(upload, crop=crop)
    row = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    before = row.picture.name
    # The person's id stands in the path: two people with the same picture keep one each.
    name = f"{FOLDER}/{row.pk}/{picture.name}"
    if before == name:
        return
    row.picture.name = default_storage.save(name, ContentFile(picture.body))
    _save(row, before)
    user.picture.name = row.picture.name
    audit.record("accounts.picture_changed", by=by, on=row, now=now)


@transaction.atomic
def remove(*, user: User, by: Any, now: datetime) -> None:
    """Back to the initials."""
    row = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if not row.picture:
        return
    before, row.picture.name = row.picture.name, ""
    _save(row, before)
    audit.record("accounts.picture_removed", by=by, on=row, now=now)


def _save(row: User, before: str | None) -> None:
    row.save(update_fields=["picture", "updated_at"])
    if before:
        transaction.on_commit(lambda: default_storage.delete(before), robust=True)

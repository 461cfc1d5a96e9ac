"""Files as they are shown, and the short-lived addresses under which they are opened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone

from chat.enums import AttachmentKind, AttachmentState
from chat.errors import AttachmentNotFound
from chat.models import Attachment, Conversation
from ops.kernel import signing

SALT = "chat.file"
# An address lives five to ten minutes. It changes only every five, so a browser that draws the same message twice
# fetches its picture once.
STEP_S, LIFE_STEPS = 300, 2
FILE, THUMB, OPUS = "file", "thumb", "opus"
VARIANTS = (FILE, THUMB, OPUS)
# What a browser may show in place; anything else is only ever saved.
INLINE = {AttachmentKind.IMAGE, AttachmentKind.AUDIO, AttachmentKind.VIDEO}


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it is handed out."""

    storage_name: str
    name: str
    mime: str
    inline: bool
    size: int

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Some of it, in pieces. Raises `AttachmentNotFound` when the storage does not have it."""
        try:
            storage: Any = default_storage
            return iter(storage.read_range(self.storage_name, start, length))
        except FileNotFoundError as error:
            raise AttachmentNotFound() from error


def signed_url(attachment: Attachment, variant: str = FILE, *, now: datetime | None = None) -> str | None:
    """Address (a path) of a file for five to ten minutes: whoever holds it may open it. Nothing before it is ready."""
    if attachment.state != AttachmentState.READY or not getattr(attachment, variant):
        return None
    moment = int((now or timezone.now()).timestamp())
    until = datetime.fromtimestamp((moment // STEP_S + LIFE_STEPS) * STEP_S, tz=UTC)
    token = signing.dumps_until([attachment.pk.hex, VARIANTS.index(variant)], salt=SALT, until=until)
    return reverse("api:chat-file", args=[token], urlconf="config.urls_tenant")


def behind(token: str, *, now: datetime) -> Stored:
    """The file of a signed address. Raises `AttachmentNotFound` for what is forged, too old, of another tenant, or gone."""
    try:
        key, number = signing.loads_until(token, salt=SALT, now=now)
        variant = VARIANTS[number]
        attachment = Attachment.objects.get(pk=UUID(hex=key), state=AttachmentState.READY)
    except (signing.BadSignature, ValueError, TypeError, LookupError, Attachment.DoesNotExist) as error:
        raise AttachmentNotFound() from error
    file = getattr(attachment, variant)
    if not file:
        raise AttachmentNotFound()
    stem = attachment.name.rpartition(".")[0]
    if variant == THUMB:
        return Stored(file.name, f"{stem}.webp", "image/webp", True, file.size)
    if variant == OPUS:
        return Stored(file.name, f"{stem}.ogg", "audio/ogg", True, file.size)
    return Stored(file.name, attachment.name, attachment.mime, attachment.kind in INLINE, attachment.bytes)


def in_order(row: Attachment) -> tuple[int, UUID]:
    """Key of the order their sender chose."""
    return row.position, row.pk


def wire(row: Attachment) -> dict[str, Any]:
    """A file on the wire, the same for agents and visitors."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "name": row.name,
        "bytes": row.bytes,
        "received": row.received,
        "mime": row.mime,
        "url": signed_url(row),
        "thumb_url": signed_url(row, THUMB),
        "width": row.width,
        "height": row.height,
        "duration_s": row.duration_s,
        "voice": row.voice,
        "peaks": row.peaks,
    }


def for_agent(user: Any) -> QuerySet[Attachment]:
    """What this person of the team may open: files of conversations they see, and their own uploads."""
    theirs = Conversation.objects.visible_to(user)
    return Attachment.objects.filter(Q(message__conversation__in=theirs) | Q(message=None, by_agent=user))


def for_visitor(*, contact_inbox_id: UUID, contact_id: UUID) -> QuerySet[Attachment]:
    """What a visitor may open: files of public messages in their own conversations, and their own uploads."""
    return Attachment.objects.filter(
        Q(message__conversation__contact_inbox=contact_inbox_id, message__pub_seq__isnull=False)
        | Q(message=None, by_contact=contact_id)
    )


def stored_bytes() -> int:
    """How much room the files of the current tenant take; what is still coming counts with its announced size."""
    return Attachment.objects.aggregate(all=Sum("stored_bytes"))["all"] or 0

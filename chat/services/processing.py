"""What happens to a file once every byte is here: joined, scanned, made clean and playable.

Safe to run twice, and by two workers at once: everything is made beside what is there under fresh names, and one
statement decides whose work counts. The other's is thrown away.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from chat.enums import AttachmentKind, AttachmentState, EventType
from chat.events import AttachmentFinished
from chat.models import Attachment, Conversation, Message
from chat.providers import clamd, pictures, sniffing, sounds
from chat.queries import wire
from chat.services import attachments, journal
from ops.kernel import ffmpeg
from ops.kernel.audit import services as audit
from ops.kernel.errors import PermanentFailure
from ops.kernel.outbox import services as outbox

log = logging.getLogger(__name__)

FOLDERS = {
    AttachmentKind.IMAGE: "images",
    AttachmentKind.DOCUMENT: "documents",
    AttachmentKind.AUDIO: "audio",
    AttachmentKind.VIDEO: "videos",
}


class Refused(Exception):
    """The file is not taken; the reason stands on the row."""


def run(*, attachment_id: UUID, now: datetime | None = None) -> None:
    """Check a complete upload and make it ready, or reject it; tells the conversation when a message carries it.

    Raises `TemporaryFailure` when the scanner is away: the file waits, and the task tries again.
    """
    now = now or timezone.now()
    row = Attachment.objects.filter(pk=attachment_id, state=AttachmentState.SCANNING).first()
    if row is None:
        return
    made: list[str] = []
    with TemporaryDirectory(prefix="upload-") as folder:
        try:
            with _kept(made):
                changes = _make(row, Path(folder), made)
        except Refused as refusal:
            changes = {"state": AttachmentState.REJECTED, "reason": str(refusal), "stored_bytes": 0}
            attachments.delete_files(made)
            made = []
    with transaction.atomic():
        # Whoever writes a conversation's history locks the conversation first, and its rows after it.
        list(
            Conversation.objects.filter(messages__attachments=row.pk).select_for_update(of=("self",)).values_list("pk")
        )
        counted = Attachment.objects.filter(pk=row.pk, state=AttachmentState.SCANNING).update(
            parts=[], updated_at=now, **changes
        )
        if counted:
            transaction.on_commit(lambda: attachments.delete_files(row.parts))
            _tell(row.pk, now=now)
        else:
            transaction.on_commit(lambda: attachments.delete_files(made))


@contextmanager
def _kept(made: list[str]) -> Iterator[None]:
    """What was written is removed again when the work breaks off."""
    try:
        yield
    except Refused:
        raise
    except BaseException:
        attachments.delete_files(made)
        raise


def _make(row: Attachment, folder: Path, made: list[str]) -> dict[str, Any]:
    source = folder / "source"
    digest = _join(row, source)
    with source.open("rb") as file:
        found = sniffing.sniff(file.read(sniffing.HEAD_BYTES))
    if found is None:
        raise Refused("type")
    if settings.CLAMD_URL:
        with source.open("rb") as file:
            virus = clamd.scan(file, address=settings.CLAMD_URL)
        if virus:
            log.warning("A file was refused by the scanner", extra={"attachment": str(row.pk), "found": virus})
            audit.record("chat.file_refused", on=row, detail={"found": virus}, private={"name": row.name})
            raise Refused("virus")
    changes: dict[str, Any] = {"state": AttachmentState.READY, "reason": ""}
    try:
        changes |= _derive(row, source, found, made)
    except PermanentFailure as error:
        log.info("A file cannot be read: %s", error.words, extra={"attachment": str(row.pk)})
        raise Refused("broken") from error
    if changes["bytes"] > attachments.limits()[changes["kind"]]:
        raise Refused("size")
    # What is kept may be another file than what came: its fingerprint is of what can be downloaded.
    changes.setdefault("sha256", digest)
    return changes


def _join(row: Attachment, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for name in row.parts:
            with default_storage.open(name) as part:
                for piece in part.chunks():
                    digest.update(piece)
                    out.write(piece)
    return digest.hexdigest()


def _derive(row: Attachment, source: Path, found: sniffing.Sniffed, made: list[str]) -> dict[str, Any]:
    if found.kind == AttachmentKind.IMAGE:
        return _picture(row, source, found, made)
    if found.container:
        media = ffmpeg.probe(source, found.container)
        if media.video and not row.voice:
            return _film(row, source, found, media, made)
        if media.audio:
            return _sound(row, source, found, media, made)
        raise PermanentFailure(words="nothing to play")
    name = _save(row, AttachmentKind.DOCUMENT, source, found.extension, made)
    size = source.stat().st_size
    return {
        "kind": AttachmentKind.DOCUMENT,
        "mime": found.mime,
        "name": sniffing.file_name(row.name, found),
        "file": name,
        "bytes": size,
        "stored_bytes": size,
    }


def _picture(row: Attachment, source: Path, found: sniffing.Sniffed, made: list[str]) -> dict[str, Any]:
    picture = pictures.clean(source, found.mime)
    body, thumb = source.with_name("picture"), source.with_name("thumb")
    body.write_bytes(picture.body)
    thumb.write_bytes(picture.thumb)
    kept = sniffing.Sniffed("image", picture.mime, picture.extension)
    return {
        "kind": AttachmentKind.IMAGE,
        "mime": picture.mime,
        "name": sniffing.file_name(row.name, kept),
        "file": _save(row, AttachmentKind.IMAGE, body, picture.extension, made),
        "thumb": _save(row, AttachmentKind.IMAGE, thumb, "webp", made),
        "bytes": len(picture.body),
        "stored_bytes": len(picture.body) + len(picture.thumb),
        "sha256": hashlib.sha256(picture.body).hexdigest(),
        "width": picture.width,
        "height": picture.height,
    }


def _sound(
    row: Attachment, source: Path, found: sniffing.Sniffed, media: ffmpeg.Media, made: list[str]
) -> dict[str, Any]:
    sound = sounds.transcode(source, found.container, media)
    size = sound.m4a.stat().st_size
    return {
        "kind": AttachmentKind.AUDIO,
        "mime": "audio/mp4",
        "name": sniffing.file_name(row.name, sniffing.KNOWN["m4a"]),
        "file": _save(row, AttachmentKind.AUDIO, sound.m4a, "m4a", made),
        "opus": _save(row, AttachmentKind.AUDIO, sound.opus, "ogg", made),
        "bytes": size,
        "stored_bytes": size + sound.opus.stat().st_size,
        "sha256": hashlib.sha256(sound.m4a.read_bytes()).hexdigest(),
        "duration_s": sound.duration_s,
        "peaks": sound.peaks,
    }


def _film(
    row: Attachment, source: Path, found: sniffing.Sniffed, media: ffmpeg.Media, made: list[str]
) -> dict[str, Any]:
    film = sounds.film(source, found.container, media)
    thumb = source.with_name("thumb")
    thumb.write_bytes(film.thumb)
    size = film.body.stat().st_size
    with film.body.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "kind": AttachmentKind.VIDEO,
        "mime": film.mime,
        "name": sniffing.file_name(row.name, sniffing.Sniffed("video", film.mime, film.extension)),
        "file": _save(row, AttachmentKind.VIDEO, film.body, film.extension, made),
        "thumb": _save(row, AttachmentKind.VIDEO, thumb, "webp", made),
        "bytes": size,
        "stored_bytes": size + len(film.thumb),
        "sha256": digest,
        "width": film.width or None,
        "height": film.height or None,
        "duration_s": film.duration_s,
    }


def _save(row: Attachment, kind: str, path: Path, extension: str, made: list[str]) -> str:
    """Store a file under a name that tells nothing, in the folder of its kind and month."""
    name = f"uploads/{FOLDERS[AttachmentKind(kind)]}/{row.created_at:%Y/%m}/{row.pk.hex}-{secrets.token_hex(4)}.{extension}"
    with path.open("rb") as file:
        stored = default_storage.save(name, File(file))
    made.append(stored)
    return stored


def _tell(attachment_id: UUID, *, now: datetime) -> None:
    """Tell the conversation that a file of one of its messages can be opened now, or never."""
    row = Attachment.objects.get(pk=attachment_id)
    conversation_id = None
    if row.message_id is not None:
        message = Message.objects.with_people().get(pk=row.message_id)
        conversation_id = message.conversation_id
        journal.record(
            conversation_id=message.conversation_id,
            type=EventType.MESSAGE_UPDATED,
            payload={},
            public=message.pub_seq is not None,
            message_id=message.pk,
            data=lambda visitor: wire.message(message, visitor=visitor),
            now=now,
        )
    outbox.publish(
        AttachmentFinished(
            attachment_id=str(row.pk),
            message_id=str(row.message_id) if row.message_id else None,
            conversation_id=str(conversation_id) if conversation_id else None,
            state=row.state,
        )
    )

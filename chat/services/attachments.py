"""Files: announced, received in pieces, checked, and carried by messages.

    begin → put, put, … → (worker) processing.run → ready or rejected
                       ↘ a message may carry it from the moment every byte is here

The bytes decide what a file is; its name and what its sender says about it decide nothing.
"""

import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import entitlements
from billing.errors import PlanLimitReached
from chat.enums import AttachmentKind, AttachmentState
from chat.errors import (
    AttachmentNotFound,
    EmptyFile,
    FeatureNotIncluded,
    FileNotReady,
    FilesNotTaken,
    FilesOff,
    FileTooLarge,
    FileTypeRefused,
    TooManyFiles,
    TooManyUploads,
    UploadMismatch,
)
from chat.models import Attachment, Inbox
from chat.providers import sniffing
from chat.queries import attachments as queries
from chat.services.conversations import Visitor
from ops.kernel import ratelimit
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.errors import DomainError
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

MB = 1_000_000
STORAGE = "storage.bytes"
SETTING = "chat.files"
DEFINITION = Definition(
    SETTING,
    gettext_lazy("Files in conversations"),
    (
        Field("image_mb", gettext_lazy("Largest image, in MB"), int, 15, min_value=1, max_value=50),
        Field("document_mb", gettext_lazy("Largest document, in MB"), int, 25, min_value=1, max_value=100),
        Field("audio_mb", gettext_lazy("Largest audio file, in MB"), int, 16, min_value=1, max_value=50),
        Field("video_mb", gettext_lazy("Largest video, in MB"), int, 64, min_value=1, max_value=200),
    ),
)
PER_MESSAGE = 10
# One request's worth: bigger pieces gain nothing and would sit in memory.
PIECE_LIMIT = 8 * 1024 * 1024
TELLING_BYTES = 512
UPLOADS, UPLOADS_WINDOW_S = 40, 60
UNSENT_FOR = timedelta(hours=24)
STUCK_AFTER = timedelta(minutes=10)

Owner = Visitor | Any  # a visitor, or a person of the team

signed_url = queries.signed_url


def limits() -> dict[str, int]:
    """The most bytes a file of each kind may have in the current tenant."""
    values = configuration.get(SETTING)
    return {kind: values[f"{kind}_mb"] * MB for kind in AttachmentKind.values}


def allowed(*, inbox: Inbox | None = None) -> dict[str, bool]:
    """Which of files and recorded voice the plan, and an inbox for its visitors, take."""
    features = inbox.features if inbox is not None else {}
    takes_files = entitlements.flag("fileUpload")
    return {
        "attachments": takes_files and bool(features.get("attachments", True)),
        "voice": takes_files and entitlements.flag("audioRecording") and bool(features.get("voice", True)),
    }


def begin(*, owner: Owner, name: str, bytes: int, voice: bool = False, now: datetime | None = None) -> Attachment:
    """Announce a file; `put` then sends its bytes. `voice` says it is being recorded here and now.

    Raises `FeatureNotIncluded` (402), `PlanLimitReached` (402) with the numbers when the storage is full; a visitor
    gets `FilesNotTaken` for both, `FilesOff` when the inbox takes none. `FileTooLarge`, `TooManyUploads`.
    """
    now = now or timezone.now()
    _refuse_by_features(owner, voice=voice)
    most = limits()
    most_bytes = most[AttachmentKind.AUDIO] if voice else max(most.values())
    if bytes < 1:
        raise EmptyFile(field="bytes")
    if bytes > most_bytes:
        raise FileTooLarge(field="bytes", limit=most_bytes // MB)
    rate = ratelimit.hit(f"chat.uploads.{_who(owner)}", limit=UPLOADS, window_s=UPLOADS_WINDOW_S)
    if not rate.allowed:
        raise TooManyUploads(retry_after=rate.wait_s)
    try:
        with transaction.atomic():
            # Two uploads at once must not both see the last free bytes.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ':chat.storage'))")
            entitlements.require(STORAGE, bytes, now=now)
            return Attachment.objects.create(
                name=sniffing.file_name(name, sniffing.TEXT) if not name.strip() else _shorten(name),
                bytes=bytes,
                stored_bytes=bytes,
                voice=voice,
                kind=AttachmentKind.AUDIO if voice else AttachmentKind.DOCUMENT,
                **_owned(owner),
            )
    except PlanLimitReached as refusal:
        _tell_the_team(refusal, now=now)
        if isinstance(owner, Visitor):
            raise FilesNotTaken() from refusal
        raise


def put(*, attachment_id: UUID, owner: Owner, body: bytes, start: int = 0, total: int | None = None) -> Attachment:
    """Take a piece that begins at byte `start`. What is here already is not written twice, so a piece may be repeated.

    Raises `AttachmentNotFound`, `UploadMismatch` for a piece that leaves a gap or says another size,
    `FileTypeRefused` and `FileTooLarge` as soon as the first bytes tell.
    """
    row = find(attachment_id=attachment_id, owner=owner)
    end = start + len(body)
    if row.state == AttachmentState.REJECTED:
        raise _refusal(row.reason, row.kind)
    if row.state != AttachmentState.UPLOADING and end <= row.bytes:
        return row  # the answer to the last piece got lost
    if (total is not None and total != row.bytes) or start > row.received or end > row.bytes:
        raise UploadMismatch(received=row.received)
    fresh = body[row.received - start :]
    if not fresh:
        return row
    # A beginning too short to tell is judged with the rest, when all of it is here.
    tells = row.received == 0 and (len(fresh) >= TELLING_BYTES or len(fresh) == row.bytes)
    changes: dict[str, Any] = _by_first_bytes(row, fresh) if tells else {}
    name = default_storage.save(
        f"uploads/parts/{row.pk.hex}-{row.received:012d}-{secrets.token_hex(4)}", ContentFile(fresh)
    )
    received = row.received + len(fresh)
    if received == row.bytes:
        changes["state"] = AttachmentState.SCANNING
    with transaction.atomic():
        taken = Attachment.objects.filter(pk=row.pk, state=AttachmentState.UPLOADING, received=row.received).update(
            received=received, parts=[*row.parts, name], updated_at=timezone.now(), **changes
        )
        if taken and received == row.bytes:
            enqueue("chat.process_attachment", attachment_id=str(row.pk))
    if not taken:
        # The same piece came twice at once, and the other one was first.
        default_storage.delete(name)
    return Attachment.objects.get(pk=row.pk)


def find(*, attachment_id: UUID, owner: Owner) -> Attachment:
    """The owner's upload. Raises `AttachmentNotFound`."""
    row = _of(owner).filter(pk=attachment_id).first()
    if row is None:
        raise AttachmentNotFound()
    return row


def discard(*, attachment_id: UUID, owner: Owner) -> None:
    """Take an upload back before it is sent. Raises `AttachmentNotFound` when a message carries it already."""
    row = _of(owner).unsent().filter(pk=attachment_id).first()
    if row is None:
        raise AttachmentNotFound()
    remove([row])


def ready_for(ids: Sequence[UUID], owner: Owner) -> list[Attachment]:
    """The owner's complete, unsent uploads of these ids, in this order: what a message is going to carry.

    Raises `TooManyFiles`, `FileNotReady`. Still being checked counts as complete: the message goes out, the file
    follows with `message.updated`.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > PER_MESSAGE:
        raise TooManyFiles(field="attachment_ids", limit=PER_MESSAGE)
    complete = (AttachmentState.SCANNING, AttachmentState.READY)
    found = {row.pk: row for row in _of(owner).unsent().filter(pk__in=wanted, state__in=complete)}
    if len(found) != len(wanted):
        raise FileNotReady(field="attachment_ids")
    return [found[key] for key in wanted]


def carry(rows: Sequence[Attachment], *, message_id: UUID) -> list[dict[str, Any]]:
    """Give files to a message that was just stored, in its transaction; answers them as they go over the wire.

    Raises `FileNotReady` when another message, or the sweep, was first.
    """
    keys = [row.pk for row in rows]
    locked = Attachment.objects.filter(pk__in=keys).unsent().order_by("pk").select_for_update(of=("self",))
    fresh = {row.pk: row for row in locked}
    if len(fresh) != len(keys) or any(row.state == AttachmentState.REJECTED for row in fresh.values()):
        raise FileNotReady(field="attachment_ids")
    for position, key in enumerate(keys):
        Attachment.objects.filter(pk=key).update(message=message_id, position=position)
    return [queries.wire(fresh[key]) for key in keys]


def remove_of(message_ids: Iterable[UUID]) -> int:
    """Remove the files of deleted messages; returns how many."""
    rows = list(Attachment.objects.filter(message__in=list(message_ids)))
    remove(rows)
    return len(rows)


def remove(rows: Sequence[Attachment]) -> None:
    """Remove rows and, once that is committed, what lies in the storage."""
    if not rows:
        return
    names = [name for row in rows for name in row.names]
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    transaction.on_commit(lambda: delete_files(names))


def delete_files(names: Iterable[str]) -> None:
    """Delete from the storage of the current tenant; what is not there is not missed."""
    for name in names:
        try:
            default_storage.delete(name)
        except OSError as error:
            log.warning("A file stays behind: %s", error, extra={"file": name})


def sweep(*, now: datetime) -> int:
    """Remove what nobody sent for a day, and check again what a lost worker left; returns how many were removed."""
    old = list(Attachment.objects.unsent().filter(created_at__lt=now - UNSENT_FOR).order_by("created_at")[:500])
    remove(old)
    stuck = Attachment.objects.filter(state=AttachmentState.SCANNING, updated_at__lt=now - STUCK_AFTER)
    for key in stuck.order_by("updated_at").values_list("pk", flat=True)[:100]:
        enqueue("chat.process_attachment", attachment_id=str(key))
    return len(old)


def _by_first_bytes(row: Attachment, body: bytes) -> dict[str, Any]:
    """What the first piece says the file is. Raises `FileTypeRefused`, `FileTooLarge`."""
    found = sniffing.sniff(body[: sniffing.HEAD_BYTES])
    if found is None or (row.voice and found.kind not in {AttachmentKind.AUDIO, AttachmentKind.VIDEO}):
        raise _rejected(row, "type", row.kind)
    kind = AttachmentKind.AUDIO if row.voice else AttachmentKind(found.kind)
    if row.bytes > limits()[kind]:
        raise _rejected(row, "size", kind)
    return {"kind": kind, "mime": found.mime, "name": sniffing.file_name(row.name, found)}


def _rejected(row: Attachment, reason: str, kind: str) -> DomainError:
    """Turn the upload away for good; gives the refusal to raise."""
    Attachment.objects.filter(pk=row.pk).update(
        state=AttachmentState.REJECTED, reason=reason, kind=kind, stored_bytes=0
    )
    return _refusal(reason, kind)


def _refusal(reason: str, kind: str) -> DomainError:
    if reason == "size":
        return FileTooLarge(limit=limits()[AttachmentKind(kind)] // MB)
    return FileTypeRefused()


def _refuse_by_features(owner: Owner, *, voice: bool) -> None:
    visitor = isinstance(owner, Visitor)
    wanted = "voice" if voice else "attachments"
    if not allowed()[wanted]:
        raise FilesNotTaken() if visitor else FeatureNotIncluded()
    if visitor and not allowed(inbox=Inbox.objects.get(pk=owner.inbox_id))[wanted]:
        raise FilesOff()


def _tell_the_team(refusal: PlanLimitReached, *, now: datetime) -> None:
    alerts.raise_alert(
        "chat.limit_reached",
        severity=Severity.WARNING,
        key=f"{STORAGE}:{now:%Y-%m}",
        title=_("The storage of your plan is full"),
        body=_("New files are refused, messages still arrive. Your plan includes %(limit)s MB; %(used)s MB are used.")
        % {
            "limit": number_format((refusal.params["limit"] or 0) // MB, force_grouping=True),
            "used": number_format((refusal.params["used"] or 0) // MB, force_grouping=True),
        },
        now=now,
    )


def _of(owner: Owner) -> Any:
    if isinstance(owner, Visitor):
        return Attachment.objects.of_contact(owner.contact_id)
    return Attachment.objects.of_agent(owner)


def _owned(owner: Owner) -> dict[str, Any]:
    return {"by_contact_id": owner.contact_id} if isinstance(owner, Visitor) else {"by_agent": owner}


def _who(owner: Owner) -> str:
    return f"contact.{owner.contact_id}" if isinstance(owner, Visitor) else f"agent.{owner.pk}"


def _shorten(name: str) -> str:
    return name.strip()[-200:]

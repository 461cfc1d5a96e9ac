"""Everything of one kind as a file to take away: made by a task, kept for a short while, opened by a short link."""

import csv
import io
import json
import logging
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.enums import ExportKind, TransferState
from chat.errors import ImportNotFound, TooManyTransfers
from chat.models import Contact, Conversation, DataExport, Message
from chat.queries import transfers
from chat.services import spreadsheet
from chat.services.attachments import delete_files
from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

BATCH = 1_000
SPOOLED_BYTES = 16 * 1024 * 1024
KEPT_FOR = timedelta(hours=24)
ROWS_KEPT_FOR = timedelta(days=90)
STUCK_AFTER = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(hours=3)
FORMATS = ("csv", "jsonl")
# Who takes a file by its signed address, in the audit log.
LINK = "signed link"


def ask(*, kind: str, format: str = "csv", by: Any, now: datetime) -> DataExport:
    """Have a file made. Raises `Invalid`; `TooManyTransfers` while the same one is on its way."""
    if kind not in ExportKind.values:
        raise Invalid(field="kind")
    if format not in FORMATS:
        raise Invalid(field="format")
    with transaction.atomic():
        going = DataExport.objects.filter(kind=kind, format=format, state__in=_GOING)
        if going.exists():
            raise TooManyTransfers(retry_after=30)
        row = DataExport.objects.create(kind=kind, format=format, by=by)
        audit.record("chat.export_asked", by=by, on=row, detail={"kind": kind, "format": format}, now=now)
        enqueue("chat.run_export", export_id=str(row.pk))
    return row


_GOING = (TransferState.WAITING, TransferState.RUNNING)


def find(export_id: UUID) -> DataExport:
    """One export. Raises `ImportNotFound`."""
    row = DataExport.objects.select_related("by").filter(pk=export_id).first()
    if row is None:
        raise ImportNotFound()
    return row


def behind(token: str, *, now: datetime) -> DataExport:
    """The export of a signed address. Raises `ImportNotFound` for what is forged, too old, of another tenant, or gone."""
    try:
        row = find(UUID(hex=signing.loads_until(token, salt=transfers.SALT, now=now)))
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise ImportNotFound() from error
    return row


def opened(row: DataExport, *, by: Any, now: datetime) -> IO[bytes]:
    """The file, for somebody who takes it away; that is noted. Raises `ImportNotFound` when it is gone."""
    if not row.file or (row.expires_at is not None and row.expires_at <= now):
        raise ImportNotFound()
    try:
        file: IO[bytes] = default_storage.open(str(row.file.name))
    except FileNotFoundError as error:
        raise ImportNotFound() from error
    audit.record("chat.export_taken", by=by, on=row, now=now)
    return file


def file_name(row: DataExport) -> str:
    """What the file is called on the other side."""
    ending = "zip" if row.kind == ExportKind.CONVERSATIONS else row.format
    return f"{row.kind}-{row.created_at:%Y-%m-%d}.{ending}"


def mime(row: DataExport) -> str:
    """What kind of file it is."""
    return _MIME[file_name(row).rpartition(".")[2]]


_MIME = {"zip": "application/zip", "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


# --- The task's side ---------------------------------------------------------------------------------------------


def run(*, export_id: UUID, now: datetime) -> None:
    """Write the file. Safe to run twice: whoever is ready first is kept, the other's file is thrown away."""
    row = DataExport.objects.filter(pk=export_id, state__in=_GOING).first()
    if row is None:
        return
    tables = _TABLES[row.kind]
    total = sum(table.rows().count() for table in tables)
    DataExport.objects.filter(pk=row.pk, state__in=_GOING).update(
        state=TransferState.RUNNING, started_at=now, total=total, done=0, updated_at=timezone.now()
    )
    with tempfile.TemporaryFile() as out:
        done = _written(row, tables, out)
        size = out.tell()
        out.seek(0)
        ending = file_name(row).rpartition(".")[2]
        name = default_storage.save(f"exports/{now:%Y/%m}/{secrets.token_hex(16)}.{ending}", File(out))
    end = timezone.now()
    with transaction.atomic():
        kept = DataExport.objects.filter(pk=row.pk, state=TransferState.RUNNING).update(
            state=TransferState.DONE,
            file=name,
            bytes=size,
            done=done,
            finished_at=end,
            expires_at=end + KEPT_FOR,
            updated_at=end,
        )
    if not kept:
        delete_files([name])


def sweep(*, now: datetime) -> None:
    """Delete files whose time is over, begin again what a lost worker left, forget exports of long ago."""
    forget(DataExport.objects.filter(expires_at__lte=now).exclude(file=""))
    DataExport.objects.filter(state__in=_GOING, created_at__lt=now - GIVE_UP_AFTER).update(
        state=TransferState.FAILED, finished_at=now, updated_at=now
    )
    for key in DataExport.objects.filter(state__in=_GOING, updated_at__lt=now - STUCK_AFTER).values_list(
        "pk", flat=True
    ):
        enqueue("chat.run_export", export_id=str(key))
    DataExport.objects.filter(created_at__lt=now - ROWS_KEPT_FOR, file="").delete()


def forget(rows: QuerySet[DataExport]) -> int:
    """Delete the files of exports; says how many. Whoever was erased must not live on in one."""
    with transaction.atomic():
        names = list(
            rows.exclude(file="").order_by("pk").select_for_update(of=("self",)).values_list("file", flat=True)
        )
        DataExport.objects.filter(file__in=names).update(file="", bytes=0)
        transaction.on_commit(lambda: delete_files(names))
    return len(names)


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of rows, with what stands in each column."""

    name: str
    headings: Sequence[str]
    rows: Callable[[], QuerySet[Any]]
    cells: Callable[[Any], Sequence[Any]]


def _written(row: DataExport, tables: Sequence[Table], out: IO[bytes]) -> int:
    done = 0

    def counted(rows: Iterable[Any]) -> Iterator[Any]:
        nonlocal done
        for one in rows:
            yield one
            done += 1
            if done % BATCH == 0:
                DataExport.objects.filter(pk=row.pk).update(done=done, updated_at=timezone.now())

    write = _csv if row.format == "csv" else _jsonl
    if row.kind == ExportKind.CONTACTS:
        write(tables[0], counted(_paged(tables[0].rows())), out)
        return done
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables:
            with archive.open(f"{table.name}.{row.format}", "w", force_zip64=True) as entry:
                write(table, counted(_paged(table.rows())), entry)
    return done


def _paged(rows: QuerySet[Any]) -> Iterator[Any]:
    """All rows in the order of their keys, a batch at a time, without a transaction that stays open."""
    last: UUID | None = None
    while True:
        page = list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1].pk


def _csv(table: Table, rows: Iterable[Any], out: IO[bytes]) -> None:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    # A mark by which Excel knows the accents.
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.headings)
    for one in rows:
        writer.writerow([spreadsheet.cell(_flat(value)) for value in table.cells(one)])
    text.detach()


def _jsonl(table: Table, rows: Iterable[Any], out: IO[bytes]) -> None:
    for one in rows:
        line = dict(zip(table.headings, map(_plain, table.cells(one)), strict=True))
        out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _flat(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return str(value) if isinstance(value, UUID) else value


def _person(user: Any) -> str:
    return user.email if user is not None else ""


# The headings of contacts are words an import knows again.
_CONTACTS = Table(
    "contacts",
    (
        *("id", "name", "email", "phone", "company", "identifier", "labels", "attributes", "blocked"),
        *("consent_at", "consent_text_version", "last_seen_at", "created_at"),
    ),
    lambda: Contact.objects.current().filter(erased_at=None).prefetch_related("labels"),
    lambda one: (
        *(one.pk, one.name, one.email, one.phone_e164, one.company, one.identifier or ""),
        *(sorted(label.name for label in one.labels.all()), one.attrs, one.blocked),
        *(one.consent_at, one.consent_text_version, one.last_seen_at, one.created_at),
    ),
)
_CONVERSATIONS = Table(
    "conversations",
    (
        *("number", "id", "inbox", "channel", "status", "priority", "assignee", "team", "labels", "contact_id"),
        *("contact_name", "contact_email", "contact_phone", "created_at", "first_reply_at", "resolved_at"),
        *("last_message_at", "attributes"),
    ),
    lambda: Conversation.objects.select_related("inbox", "contact", "assignee", "team").prefetch_related("labels"),
    lambda one: (
        *(one.number, one.pk, one.inbox.name, one.inbox.channel, one.status, one.priority, _person(one.assignee)),
        *(one.team.name if one.team else "", sorted(label.name for label in one.labels.all()), one.contact_id),
        *(one.contact.name, one.contact.email, one.contact.phone_e164, one.created_at, one.first_reply_at),
        *(one.resolved_at, one.last_message_at, one.attrs),
    ),
)
_MESSAGES = Table(
    "messages",
    (
        *("conversation_number", "seq", "id", "created_at", "direction", "kind", "private", "author"),
        *("body", "delivery", "files", "edited_at", "deleted_at"),
    ),
    lambda: (
        Message.objects.filter(~Q(direction="activity"))
        .select_related("conversation", "author_agent", "author_contact", "author_bot")
        .prefetch_related("attachments")
    ),
    lambda one: (
        *(one.conversation.number, one.seq, one.pk, one.created_at, one.direction, one.kind, one.private),
        *(_author(one), one.body, one.delivery, sorted(file.name for file in one.attachments.all())),
        *(one.edited_at, one.deleted_at),
    ),
)
_TABLES: dict[str, Sequence[Table]] = {
    ExportKind.CONTACTS: (_CONTACTS,),
    ExportKind.CONVERSATIONS: (_CONVERSATIONS, _MESSAGES),
}


def _author(message: Message) -> str:
    if message.author_agent is not None:
        return _person(message.author_agent)
    return str(message.author_contact or message.author_bot or message.meta.get("imported_author") or "")

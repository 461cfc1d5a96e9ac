"""Contacts from a spreadsheet: looked at, tried without writing, then taken in batches.

    upload → (people choose what the columns are) → check → (people read what would happen) → start → done

A batch of lines is one transaction that also moves `place` on, under the row's lock. So a task that is started again,
or twice, goes on behind the last batch that stood, and no line is taken twice. Who a line is about is found as channels
find people: by identifier, then by e-mail, then by phone with or without the ninth digit.
"""

import json
import logging
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.enums import LabelColor, LineOutcome, TransferState
from chat.errors import ImportNotFound, NotNow, SpreadsheetTooLarge, SpreadsheetUnreadable
from chat.models import Contact, ContactImport, ImportLine, Label
from chat.queries.transfers import REASONS
from chat.services import catalogue, contact_rows, spreadsheet
from chat.services.attachments import delete_files
from chat.services.contact_matching import People, Person, Plan, Verdict
from chat.services.contact_rows import ATTRIBUTE
from chat.services.contacts import ATTRIBUTE_NAME_LIMIT
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.ids import uuid7
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

MOST_BYTES = 20 * 1024 * 1024
BATCH = 1_000
RACES = 3
# A worker that said nothing for so long is lost.
STUCK_AFTER = timedelta(minutes=2)
# Tried again for so long without a line getting further, it is not the worker.
GIVE_UP_AFTER = timedelta(hours=1)
# Who uploads a file and goes away leaves people's data behind.
UNFINISHED_FOR = timedelta(days=7)
LINES_KEPT_FOR = timedelta(days=30)

WRITE = """
UPDATE chat_contact c SET name = v.name, email = v.email, phone_e164 = v.phone, company = v.company,
       identifier = v.identifier, attrs = v.attrs, updated_at = %s
  FROM jsonb_to_recordset(%s::jsonb) AS v(id uuid, name text, email text, phone text, company text, identifier text, attrs jsonb)
 WHERE c.id = v.id
"""


def upload(*, name: str, raw: bytes, by: Any, now: datetime) -> ContactImport:
    """Keep a spreadsheet and find out what it is. Raises `SpreadsheetTooLarge`, `SpreadsheetUnreadable`."""
    if len(raw) > MOST_BYTES:
        raise SpreadsheetTooLarge(field="file", limit=MOST_BYTES // (1024 * 1024))
    try:
        sheet = contact_rows.look(raw)
    except contact_rows.Unreadable as error:
        raise SpreadsheetUnreadable(contact_rows.UNREADABLE[str(error)], field="file") from error
    kept = default_storage.save(f"imports/{now:%Y/%m}/{secrets.token_hex(16)}.csv", ContentFile(raw))
    return ContactImport.objects.create(
        name=name.strip()[-200:] or "contacts.csv",
        file=kept,
        bytes=len(raw),
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        headings=sheet.headings,
        mapping=contact_rows.suggest(sheet.headings),
        total=sheet.lines,
        state=TransferState.UPLOADED,
        by=by,
    )


def find(import_id: UUID) -> ContactImport:
    """One import. Raises `ImportNotFound`."""
    row = ContactImport.objects.select_related("by").filter(pk=import_id).first()
    if row is None:
        raise ImportNotFound()
    return row


def sample(row: ContactImport, *, lines: int = 5) -> list[list[str]]:
    """The first lines as they stand in the file, for choosing what the columns are."""
    if not row.file:
        return []
    width = len(row.headings)
    found = islice(_records(row), lines)
    return [[*cells[:width], *[""] * (width - len(cells))] for _number, cells in found]


@transaction.atomic
def check(*, import_id: UUID, mapping: Sequence[str], update_known: bool, by: Any, now: datetime) -> ContactImport:
    """Try the file with these columns, without writing a contact. Raises `Invalid`, `NotNow`."""
    row = _locked(import_id, TransferState.UPLOADED, TransferState.CHECKING, TransferState.CHECKED)
    row.mapping = _mapping(mapping, row.headings)
    row.update_known = update_known
    _begin(row, TransferState.CHECKING)
    enqueue("chat.check_contact_import", import_id=str(row.pk))
    return row


@transaction.atomic
def start(*, import_id: UUID, by: Any, now: datetime) -> ContactImport:
    """Take the contacts in, as the check said. Raises `NotNow` before there was one."""
    row = _locked(import_id, TransferState.CHECKED)
    row.started_at = now
    _begin(row, TransferState.WAITING)
    audit.record("chat.contact_import_started", by=by, on=row, detail={"lines": row.total}, now=now)
    enqueue("chat.run_contact_import", import_id=str(row.pk))
    return row


@transaction.atomic
def stop(*, import_id: UUID, by: Any, now: datetime) -> ContactImport:
    """Give an import up. Contacts that are in already stay. Raises `NotNow` when it is over."""
    row = _locked(
        import_id,
        *(TransferState.UPLOADED, TransferState.CHECKING, TransferState.CHECKED),
        *(TransferState.WAITING, TransferState.RUNNING),
    )
    _end(row, TransferState.STOPPED, now=now)
    audit.record("chat.contact_import_stopped", by=by, on=row, detail=row.counts, now=now)
    return row


def _begin(row: ContactImport, state: TransferState) -> None:
    row.lines.all().delete()
    row.state, row.place, row.done, row.counts = state, 0, 0, {}
    row.save()


def _end(row: ContactImport, state: TransferState, *, now: datetime, problem: str = "") -> None:
    """The file goes: what it said is in the contacts now, and refused lines are kept."""
    name = row.file.name
    row.state, row.finished_at, row.file, row.problem = state, now, "", problem
    row.save()
    if name:
        transaction.on_commit(lambda: delete_files([name]))


def _locked(import_id: UUID, *states: TransferState) -> ContactImport:
    row = ContactImport.objects.select_for_update(of=("self",)).filter(pk=import_id).first()
    if row is None:
        raise ImportNotFound()
    if row.state not in states:
        raise NotNow()
    return row


def _mapping(mapping: Sequence[str], headings: Sequence[str]) -> list[str]:
    if len(mapping) != len(headings):
        raise Invalid(field="mapping")
    taken: set[str] = set()
    for target in mapping:
        name = target.removeprefix(ATTRIBUTE) if target.startswith(ATTRIBUTE) else None
        fits = 0 < len(name.strip()) <= ATTRIBUTE_NAME_LIMIT if name is not None else target in contact_rows.TARGETS
        if not fits:
            raise Invalid(field="mapping")
        if target and target in taken:
            raise Invalid(_("Two columns cannot become the same field."), field="mapping")
        taken.add(target)
    if not taken & {"name", "first_name", "last_name", "email", "phone", "identifier"}:
        raise Invalid(_("Choose at least one column with a name, e-mail, phone or identifier."), field="mapping")
    return list(mapping)


def _records(row: ContactImport) -> Iterator[tuple[int, list[str]]]:
    with default_storage.open(str(row.file.name)) as file:
        text = file.read().decode(row.encoding)
    records = contact_rows.read(text, row.delimiter)
    next(records, None)
    return records


# --- The tasks' side -----------------------------------------------------------------------------------------------


class Overtaken(Exception):
    """Another worker, or a person, was first: this one stops."""


def run_check(*, import_id: UUID, now: datetime) -> None:
    """Say of every line what would happen to it. Started again, it begins anew: it remembers who came before."""
    with transaction.atomic():
        row = ContactImport.objects.select_for_update(of=("self",)).filter(pk=import_id).first()
        if row is None or row.state != TransferState.CHECKING:
            return
        _begin(row, TransferState.CHECKING)
    plan = Plan(row, People(), _labels())
    place = 0
    try:
        for batch in _batches(_records(row)):
            verdicts = plan.decide(batch)
            with transaction.atomic():
                place = _moved(row, place, verdicts, TransferState.CHECKING)
        with transaction.atomic():
            row = _standing(row.pk, place, TransferState.CHECKING)
            row.state = TransferState.CHECKED
            row.save()
    except Overtaken:
        return


def run(*, import_id: UUID, now: datetime) -> None:
    """Take the contacts in, from where the last batch that stood ended. Safe to run twice, and by two workers at once."""
    with transaction.atomic():
        row = ContactImport.objects.select_for_update(of=("self",)).filter(pk=import_id).first()
        if row is None or row.state not in {TransferState.WAITING, TransferState.RUNNING}:
            return
        row.state = TransferState.RUNNING
        # Not `updated_at`: it says when a line last got further.
        ContactImport.objects.filter(pk=row.pk).update(state=row.state)
    place = row.place
    try:
        for batch in _batches(islice(_records(row), place, None)):
            place = _written(row, place, batch, now=now)
        with transaction.atomic():
            row = _standing(row.pk, place, TransferState.RUNNING)
            _end(row, TransferState.DONE, now=timezone.now())
            audit.record("chat.contacts_imported", by=row.by, on=row, detail=row.counts, now=now)
    except Overtaken:
        return
    catalogue.changed("labels")


def _written(row: ContactImport, place: int, batch: list[tuple[int, list[str]]], *, now: datetime) -> int:
    for attempt in range(1, RACES + 1):
        try:
            with transaction.atomic():
                return _write(row, place, batch, now=now)
        except IntegrityError:
            # Somebody gave an identifier away while this batch was on its way: the next look finds who has it.
            if attempt == RACES:
                raise
            log.info("A batch of contacts met a new one and is tried again", extra={"import": str(row.pk)})
    raise AssertionError("unreachable: the last attempt returns or raises")


def _write(row: ContactImport, place: int, batch: list[tuple[int, list[str]]], *, now: datetime) -> int:
    _standing(row.pk, place, TransferState.RUNNING)
    plan = Plan(row, People(), _labels())
    # How many labels the file may make counts over all of it.
    plan.new_labels = {f"\n{number}": "" for number in range(row.counts.get("labels", 0))}
    verdicts = plan.decide(batch, lock=True)
    made = {key: name for key, name in plan.new_labels.items() if name}
    for name in made.values():
        label = Label.objects.create(name=name, color=LabelColor.GRAY)
        plan.labels[name.lower()] = label
        audit.record("chat.label_created", by=row.by, on=label, now=now)
    people: list[Person] = list({id(v.person): v.person for v in verdicts if v.person is not None}.values())
    fresh = [person for person in people if person.fresh]
    for person in fresh:
        person.id = uuid7()
    Contact.objects.bulk_create(
        [
            Contact(
                pk=person.id,
                name=person.name,
                email=person.email,
                phone_e164=person.phone,
                company=person.company,
                identifier=person.identifier or None,
                attrs=person.attrs,
            )
            for person in fresh
        ]
    )
    changed = [person for person in people if person.changed and not person.fresh]
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [now, json.dumps([_values(person) for person in changed])])
    through = Contact.labels.through
    through.objects.bulk_create(
        [
            through(contact_id=person.id, label_id=plan.labels[name].pk)
            for person in [*fresh, *changed]
            for name in sorted(person.labels)
        ],
        ignore_conflicts=True,
    )
    return _moved(row, place, verdicts, TransferState.RUNNING, labels=len(made))


def _values(person: Person) -> dict[str, Any]:
    return {
        "id": str(person.id),
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "company": person.company,
        "identifier": person.identifier or None,
        "attrs": person.attrs,
    }


def _moved(row: ContactImport, place: int, verdicts: list[Verdict], state: TransferState, *, labels: int = 0) -> int:
    """Note what happened to a batch, and that the next one begins behind it; `row` is told too."""
    standing = _standing(row.pk, place, state)
    ImportLine.objects.bulk_create(
        [
            ImportLine(
                transfer=row,
                number=verdict.number,
                outcome=verdict.outcome,
                who=verdict.who,
                field=verdict.field,
                reason=verdict.reason,
                cells=verdict.cells,
                contact_id=verdict.person.id if verdict.person is not None else None,
            )
            for verdict in verdicts
        ]
    )
    for verdict in verdicts:
        standing.counts[verdict.outcome] = standing.counts.get(verdict.outcome, 0) + 1
    if labels:
        standing.counts["labels"] = standing.counts.get("labels", 0) + labels
    standing.place = standing.done = place + len(verdicts)
    standing.save(update_fields=["counts", "place", "done", "updated_at"])
    row.counts = standing.counts
    return standing.place


def _standing(import_id: UUID, place: int, state: TransferState) -> ContactImport:
    row = ContactImport.objects.select_for_update(of=("self",)).filter(pk=import_id).first()
    if row is None or row.state != state or row.place != place:
        raise Overtaken
    return row


def _labels() -> dict[str, Label]:
    return {label.name.lower(): label for label in Label.objects.order_by("pk")}


def _batches(records: Iterator[tuple[int, list[str]]]) -> Iterator[list[tuple[int, list[str]]]]:
    while batch := list(islice(records, BATCH)):
        yield batch


def refused_file(row: ContactImport) -> str:
    """The refused lines as a spreadsheet to repair and upload again: the file's own columns, and the reason."""
    lines = row.lines.filter(outcome=LineOutcome.REFUSED).order_by("number")
    width = len(row.headings)
    return spreadsheet.table(
        [*row.headings, contact_rows.REASON_HEADING],
        (
            [*line.cells[:width], *[""] * (width - len(line.cells)), REASONS.get(line.reason, line.reason)]
            for line in lines.iterator(chunk_size=BATCH)
        ),
    )


def sweep(*, now: datetime) -> None:
    """Go on where a lost worker stopped; drop what nobody finished, and lines of long ago."""
    for row in ContactImport.objects.filter(updated_at__lt=now - STUCK_AFTER).order_by("pk"):
        going = row.state in {TransferState.CHECKING, TransferState.WAITING, TransferState.RUNNING}
        if going and row.updated_at < now - GIVE_UP_AFTER:
            with transaction.atomic():
                lost = _locked(row.pk, TransferState.CHECKING, TransferState.WAITING, TransferState.RUNNING)
                _end(lost, TransferState.FAILED, now=now, problem=str(_("It came to a halt. Upload the file again.")))
        elif row.state == TransferState.CHECKING:
            enqueue("chat.check_contact_import", import_id=str(row.pk))
        elif row.state in {TransferState.WAITING, TransferState.RUNNING}:
            enqueue("chat.run_contact_import", import_id=str(row.pk))
    old = ContactImport.objects.filter(
        state__in=(TransferState.UPLOADED, TransferState.CHECKED), updated_at__lt=now - UNFINISHED_FOR
    )
    for key in list(old.values_list("pk", flat=True)):
        with transaction.atomic():
            _end(_locked(key, TransferState.UPLOADED, TransferState.CHECKED), TransferState.STOPPED, now=now)
    ImportLine.objects.filter(transfer__finished_at__lt=now - LINES_KEPT_FOR).delete()

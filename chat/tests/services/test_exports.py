"""Everything as a file: complete, harmless in a spreadsheet, behind a short link, gone after a day."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from chat.errors import ImportNotFound, TooManyTransfers
from chat.models import DataExport
from chat.queries import transfers
from chat.services import contact_imports, contact_rows, exports
from chat.tests.factories import ContactFactory, ConversationFactory, DataExportFactory, LabelFactory, MessageFactory
from ops.kernel.audit.models import AuditEntry


def made(kind, format="csv", by=None):
    row = exports.ask(kind=kind, format=format, by=by, now=timezone.now())
    exports.run(export_id=row.pk, now=timezone.now())
    row.refresh_from_db()
    with default_storage.open(row.file.name) as file:
        return row, file.read()


def table(raw):
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def test_contacts_leave_complete_and_no_cell_is_a_formula(acme, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    label = LabelFactory(name="VIP")
    odd = ContactFactory(name='=HYPERLINK("http://evil.example")', phone_e164="+5511987654321", attrs={"Cidade": "Sá"})
    odd.labels.add(label)
    for number in range(3):
        ContactFactory(name=f"P{number}", email=f"p{number}@example.com")
    ContactFactory(name="gone", merged_into=odd)

    row, raw = made("contacts")

    rows = table(raw)
    assert [one["name"] for one in rows] == ['\'=HYPERLINK("http://evil.example")', "P0", "P1", "P2"]
    assert (rows[0]["phone"], rows[0]["labels"], rows[0]["attributes"]) == (
        "'+5511987654321",
        "VIP",
        '{"Cidade": "Sá"}',
    )
    assert (row.state, row.done, row.total, row.bytes) == ("done", 4, 4, len(raw))
    assert row.file.name.startswith("exports/")


def test_our_own_export_can_be_imported_again_without_a_change(acme):
    label = LabelFactory(name="VIP")
    ContactFactory(name="-Zé", phone_e164="+5511987654321", attrs={"Cidade": "Sá"}, identifier="1").labels.add(label)
    _row, raw = made("contacts")

    sheet = contact_rows.look(raw)
    back = contact_imports.upload(name="x.csv", raw=raw, by=None, now=timezone.now())
    contact_imports.check(import_id=back.pk, mapping=back.mapping, update_known=True, by=None, now=timezone.now())
    contact_imports.run_check(import_id=back.pk, now=timezone.now())

    back.refresh_from_db()
    assert sheet.lines == 1
    assert back.counts == {"skipped": 1}


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_conversations_and_messages_leave_in_one_zip(acme, ana, format):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Oi, tudo bem?\nTem bolo?")
    MessageFactory(conversation=conversation, body="@Temos", by=ana)

    row, raw = made("conversations", format)

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.namelist() == [f"conversations.{format}", f"messages.{format}"]
        raw_talks, raw_lines = (archive.read(name) for name in archive.namelist())
    if format == "csv":
        talks, lines = table(raw_talks), table(raw_lines)
        assert [one["body"] for one in lines] == ["Oi, tudo bem?\nTem bolo?", "'@Temos"]
    else:
        talks, lines = ([json.loads(line) for line in text.splitlines()] for text in (raw_talks, raw_lines))
        assert [one["body"] for one in lines] == ["Oi, tudo bem?\nTem bolo?", "@Temos"]
    assert [str(one["number"]) for one in talks] == [str(conversation.number)]
    assert lines[1]["author"] == ana.email
    assert row.done == row.total


def test_the_same_export_is_made_once_at_a_time_and_two_workers_leave_one_file(acme):
    row = exports.ask(kind="contacts", by=None, now=timezone.now())
    with pytest.raises(TooManyTransfers):
        exports.ask(kind="contacts", by=None, now=timezone.now())

    exports.run(export_id=row.pk, now=timezone.now())
    first = DataExport.objects.get(pk=row.pk).file.name
    exports.run(export_id=row.pk, now=timezone.now())

    assert DataExport.objects.get(pk=row.pk).file.name == first


def test_a_link_opens_the_file_for_ten_minutes_and_that_is_noted(acme, noon):
    row = DataExportFactory(expires_at=noon + timedelta(hours=1))
    token = transfers.signed_url(row, now=noon).rpartition("/")[2]

    found = exports.behind(token, now=noon + timedelta(minutes=9))
    with exports.opened(found, by=exports.LINK, now=noon) as file:
        assert file.read() == b"name\r\nAna\r\n"
    assert AuditEntry.objects.get(action="chat.export_taken").object_id == str(row.pk)
    with pytest.raises(ImportNotFound):
        exports.behind(token, now=noon + timedelta(minutes=11))


def test_files_are_deleted_when_their_time_is_over(acme, noon, django_capture_on_commit_callbacks):
    old = DataExportFactory(expires_at=noon - timedelta(seconds=1))
    fresh = DataExportFactory(expires_at=noon + timedelta(hours=1))

    with django_capture_on_commit_callbacks(execute=True):
        exports.sweep(now=noon)

    assert not default_storage.exists(old.file.name)
    assert default_storage.exists(fresh.file.name)
    old.refresh_from_db()
    assert (old.file.name, transfers.signed_url(old, now=noon)) == ("", None)

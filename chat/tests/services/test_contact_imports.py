"""Contacts from a spreadsheet: recognised, tried, taken once, refused in words."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from chat.errors import NotNow, SpreadsheetTooLarge, SpreadsheetUnreadable
from chat.models import Contact, ContactImport, ImportLine, Label
from chat.queries.transfers import REASONS
from chat.services import contact_imports, contact_matching, contact_rows
from chat.tests.factories import ContactFactory, ContactMergeFactory, LabelFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid

FILE = (
    "Nome;E-mail;Celular;Empresa;Código;Etiquetas;Cidade\r\n"
    "Zélia Araújo;ZELIA@example.com;(11) 98765-4321;Café do Centro;c-1;VIP, atacado;São Paulo\r\n"
    "João;joao@example;;;;;\r\n"
    '"Maria\nda Silva";;+1 212 555 0100;;;;\r\n'
    ";;;;;;Recife\r\n"
    "Outra Zélia;zelia@example.com;;;;;Campinas\r\n"
)


def uploaded(raw, by=None, **changes):
    raw = raw.encode("cp1252") if isinstance(raw, str) else raw
    return contact_imports.upload(name="clientes.csv", raw=raw, by=by, now=timezone.now())


def checked(row, *, mapping=None, update_known=True, by=None):
    now = timezone.now()
    mapping = row.mapping if mapping is None else mapping
    contact_imports.check(import_id=row.pk, mapping=mapping, update_known=update_known, by=by, now=now)
    contact_imports.run_check(import_id=row.pk, now=now)
    return ContactImport.objects.get(pk=row.pk)


def imported(row, by=None):
    contact_imports.start(import_id=row.pk, by=by, now=timezone.now())
    contact_imports.run(import_id=row.pk, now=timezone.now())
    return ContactImport.objects.get(pk=row.pk)


def said(row):
    return list(row.lines.order_by("number").values_list("number", "outcome", "reason"))


@pytest.mark.parametrize(
    ("raw", "encoding", "delimiter"),
    [
        ("Nome,E-mail\nJosé,a@b.example\n".encode(), "utf-8", ","),
        (b"\xef\xbb\xbf" + "Nome;E-mail\r\nJosé, o velho;a@b.example\r\n".encode(), "utf-8-sig", ";"),
        ("Nome;E-mail\nJosé;a@b.example\n".encode("cp1252"), "cp1252", ";"),
        ("Nome\tE-mail\nJosé\ta@b.example\n".encode("utf-16"), "utf-16", "\t"),
        (b"Nome,E-mail\nJos\x81\xe9,a@b.example\n", "latin-1", ","),
    ],
    ids=["utf-8", "bom and semicolons", "windows", "excel unicode", "latin-1"],
)
def test_encoding_and_delimiter_are_found_out(raw, encoding, delimiter):
    sheet = contact_rows.look(raw)

    assert (sheet.encoding, sheet.delimiter, sheet.headings, sheet.lines) == (
        encoding,
        delimiter,
        ["Nome", "E-mail"],
        1,
    )


def test_columns_are_recognised_in_both_languages(acme):
    assert uploaded(FILE).mapping == ["name", "email", "phone", "company", "identifier", "labels", "attr:Cidade"]
    assert contact_rows.suggest(["Full name", "First Name", "Phone_Number", "Tags", "", "ID"]) == [
        *("name", "attr:First Name", "phone", "labels", "", "identifier"),
    ]


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"PK\x03\x04\x00\x00\x00", "binary"), (b"", "empty"), (b"name,email\n\n", "headings")],
    ids=["a workbook", "nothing", "only headings"],
)
def test_what_is_no_table_is_refused_in_words(acme, raw, why):
    with pytest.raises(SpreadsheetUnreadable) as refusal:
        uploaded(raw)
    assert str(refusal.value) == str(contact_rows.UNREADABLE[why])
    assert not ContactImport.objects.exists()


def test_a_file_beyond_the_limit_is_refused(acme):
    with pytest.raises(SpreadsheetTooLarge):
        uploaded(b"n" * (contact_imports.MOST_BYTES + 1))


def test_the_check_says_of_every_line_what_would_happen_and_writes_no_contact(acme):
    row = checked(uploaded(FILE))

    assert row.state == "checked"
    assert row.counts == {"new": 2, "updated": 1, "refused": 2}
    # The third person's name holds a line break: the next line of the file is the sixth.
    assert said(row) == [
        *((2, "new", ""), (3, "refused", "email"), (4, "new", "")),
        *((6, "refused", "nobody"), (7, "updated", "")),
    ]
    assert not Contact.objects.exists()
    assert not Label.objects.exists()


def test_contacts_come_in_clean_with_labels_and_attributes(acme, ana):
    LabelFactory(name="vip")
    row = imported(checked(uploaded(FILE, by=ana)), by=ana)

    assert (row.state, row.counts) == ("done", {"new": 2, "updated": 1, "refused": 2, "labels": 1})
    zelia = Contact.objects.get(identifier="c-1")
    assert (zelia.name, zelia.email, zelia.phone_e164) == ("Outra Zélia", "zelia@example.com", "+5511987654321")
    assert (zelia.company, zelia.attrs) == ("Café do Centro", {"Cidade": "Campinas"})
    assert sorted(zelia.labels.values_list("name", flat=True)) == ["atacado", "vip"]
    assert Contact.objects.get(phone_e164="+12125550100").name == "Maria\nda Silva"
    entry = AuditEntry.objects.get(action="chat.contacts_imported")
    assert (entry.actor_id, entry.detail) == (str(ana.pk), row.counts)


def test_the_file_is_deleted_when_it_is_done_and_refused_lines_can_be_repaired(
    acme, django_capture_on_commit_callbacks
):
    row = checked(uploaded(FILE + "=cmd();bad;;;;;\r\n"))
    name = row.file.name
    assert default_storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        row = imported(row)

    assert not default_storage.exists(name)
    text = contact_imports.refused_file(row)
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [line[:2] for line in lines] == [["Nome", "E-mail"], ["João", "joao@example"], ["", ""], ["'=cmd()", "bad"]]
    assert lines[1][-1] == str(REASONS["email"])
    # Repaired and uploaded again: the columns are known, the reason is left out.
    again = uploaded(text.replace("joao@example,", "joao@example.com,").encode())
    assert again.mapping[-1] == ""
    assert checked(again).counts == {"new": 1, "refused": 2}


def test_the_same_file_again_changes_nothing(acme):
    imported(checked(uploaded(FILE)))
    before = list(Contact.objects.order_by("pk").values())

    row = imported(
        checked(
            uploaded(
                "Nome;Celular\r\nMaria\tx;+1 212 555 0100\r\n".replace("\tx", "\nda Silva").replace(
                    "Maria\nda Silva", '"Maria\nda Silva"'
                )
            )
        )
    )

    assert row.counts == {"skipped": 1}
    assert list(Contact.objects.order_by("pk").values()) == before


def test_who_is_known_is_found_by_identifier_then_email_then_phone_in_both_spellings(acme):
    by_id = ContactFactory(name="A", identifier="7", email="old@example.com")
    by_email = ContactFactory(name="B", email="b@example.com")
    by_phone = ContactFactory(name="C", phone_e164="+551187654321")
    other = ContactFactory(name="D", phone_e164="+5511911112222", email="d@example.com")
    raw = (
        "name,email,phone,identifier\n"
        "A,new@example.com,,7\n"
        "B,b@example.com,,8\n"
        "C,,11 98765-4321,\n"
        "E,e@example.com,11 91111-2222,\n"  # the phone of D, but another e-mail: another person
    )

    row = imported(checked(uploaded(raw)))

    assert said(row) == [(2, "updated", ""), (3, "updated", ""), (4, "skipped", "same"), (5, "new", "")]
    for one in (by_id, by_email, by_phone, other):
        one.refresh_from_db()
    assert (by_id.email, by_email.identifier) == ("new@example.com", "8")
    assert by_phone.phone_e164 == "+551187654321"
    assert other.email == "d@example.com"
    assert Contact.objects.count() == 5


def test_known_contacts_may_be_left_as_they_are_and_merged_ones_are_who_they_are_now(acme):
    kept = ContactFactory(name="Kept")
    gone = ContactFactory(name="Gone", identifier="9")
    ContactMergeFactory(kept=kept, gone=gone)
    Contact.objects.filter(pk=gone.pk).update(merged_into=kept)

    row = imported(checked(uploaded("name,identifier\nNew name,9\n"), update_known=False))
    assert said(row) == [(2, "skipped", "known")]

    row = imported(checked(uploaded("name,identifier\nNew name,9\n")))
    kept.refresh_from_db()
    assert (kept.name, row.counts) == ("New name", {"updated": 1})


def test_an_erased_person_does_not_come_back_by_an_old_file(acme):
    ContactFactory(name="", identifier="5", erased_at=timezone.now())

    row = imported(checked(uploaded("name,identifier\nZé,5\n")))

    assert said(row) == [(2, "refused", "erased")]
    assert not Contact.objects.filter(name="Zé").exists()


def test_a_run_that_breaks_off_goes_on_behind_the_last_batch(acme, monkeypatch):
    monkeypatch.setattr(contact_imports, "BATCH", 2)
    row = checked(uploaded("name\n" + "".join(f"P{number}\n" for number in range(5))))
    contact_imports.start(import_id=row.pk, by=None, now=timezone.now())
    write, calls = contact_imports._write, []

    def breaks(*arguments, **named):
        calls.append(arguments[1])
        if len(calls) == 2:
            raise OSError("the worker is gone")
        return write(*arguments, **named)

    monkeypatch.setattr(contact_imports, "_write", breaks)
    with pytest.raises(OSError, match="gone"):
        contact_imports.run(import_id=row.pk, now=timezone.now())
    assert Contact.objects.count() == 2

    contact_imports.run(import_id=row.pk, now=timezone.now())
    contact_imports.run(import_id=row.pk, now=timezone.now())

    row.refresh_from_db()
    assert calls == [0, 2, 2, 4]
    assert (row.state, row.done, row.counts) == ("done", 5, {"new": 5})
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["P0", "P1", "P2", "P3", "P4"]
    assert ImportLine.objects.count() == 5


def test_a_worker_that_was_overtaken_writes_nothing(acme, monkeypatch):
    monkeypatch.setattr(contact_imports, "BATCH", 1)
    row = checked(uploaded("name\nA\nB\n"))
    contact_imports.start(import_id=row.pk, by=None, now=timezone.now())
    records = contact_imports._records

    def slow(one):
        # While this worker opens the file, the other one does everything.
        monkeypatch.setattr(contact_imports, "_records", records)
        lines = list(records(one))
        contact_imports.run(import_id=one.pk, now=timezone.now())
        return iter(lines)

    monkeypatch.setattr(contact_imports, "_records", slow)
    contact_imports.run(import_id=row.pk, now=timezone.now())

    row.refresh_from_db()
    assert (row.state, row.counts, Contact.objects.count()) == ("done", {"new": 2}, 2)


@pytest.mark.parametrize(
    "mapping",
    [["name", "name"], ["name"], ["company", ""], ["name", "nothing"], ["name", "attr:"]],
    ids=["twice", "too few", "nobody", "unknown", "nameless"],
)
def test_columns_that_make_no_sense_are_refused(acme, mapping):
    row = uploaded("a,b\n1,2\n")

    with pytest.raises(Invalid):
        contact_imports.check(import_id=row.pk, mapping=mapping, update_known=True, by=None, now=timezone.now())
    row.refresh_from_db()
    assert row.state == "uploaded"


def test_nothing_starts_before_it_was_checked_and_a_stopped_one_is_over(acme):
    row = uploaded("name\nA\n")
    with pytest.raises(NotNow):
        contact_imports.start(import_id=row.pk, by=None, now=timezone.now())
    checked(row)
    contact_imports.stop(import_id=row.pk, by=None, now=timezone.now())
    with pytest.raises(NotNow):
        contact_imports.start(import_id=row.pk, by=None, now=timezone.now())
    assert not Contact.objects.exists()


def test_a_file_full_of_labels_does_not_fill_the_list_of_labels(acme, monkeypatch):
    monkeypatch.setattr(contact_matching, "MOST_NEW_LABELS", 2)
    monkeypatch.setattr(contact_imports, "BATCH", 2)

    row = imported(checked(uploaded("name,labels\nA,one\nB,two\nC,three\nD,ONE\n")))

    assert said(row)[2] == (4, "refused", "labels")
    assert (Label.objects.count(), Contact.objects.count()) == (2, 3)


def test_what_a_lost_worker_left_goes_on_and_what_nobody_finished_goes(acme, django_capture_on_commit_callbacks):
    now = timezone.now()
    lost, halted, forgotten = (checked(uploaded("name\nA\n")) for _number in range(3))
    for row in (lost, halted):
        contact_imports.start(import_id=row.pk, by=None, now=now)
    name = forgotten.file.name
    ContactImport.objects.filter(pk=lost.pk).update(updated_at=now - timedelta(minutes=3))
    ContactImport.objects.filter(pk=halted.pk).update(updated_at=now - timedelta(hours=2))
    ContactImport.objects.filter(pk=forgotten.pk).update(updated_at=now - timedelta(days=8))

    with django_capture_on_commit_callbacks() as asked:
        contact_imports.sweep(now=now)
    for ask in asked:
        ask()

    states = [ContactImport.objects.get(pk=row.pk).state for row in (lost, halted, forgotten)]
    assert states[1:] == ["failed", "stopped"]
    assert states[0] in {"waiting", "done"}  # asked for again; a worker that runs at once is through
    assert any("run_contact_import" in repr(ask) for ask in asked)
    assert not default_storage.exists(name)

"""Imports and exports by page and by API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Contact, ContactImport, DataExport
from chat.services import contact_imports, exports
from chat.tests.factories import (
    ContactFactory,
    ContactImportFactory,
    DataExportFactory,
    ImportLineFactory,
    LabelFactory,
)

CSV = "Nome;E-mail\r\nZélia;zelia@example.com\r\nJoão;joao\r\n".encode("cp1252")


def test_an_owner_imports_a_file_page_by_page(acme, ana, client_of):
    client = client_of(acme, user=ana)

    answer = client.post("/chat/contacts/import/", {"file": SimpleUploadedFile("clientes.csv", CSV)})
    row = ContactImport.objects.get()
    url = f"/chat/contacts/import/{row.pk}/"
    assert (answer.status_code, answer["Location"]) == (302, url)
    page = client.get(url)
    assert page.context["form"]["column_1"].initial == "email"

    client.post(f"{url}check/", {"column_0": "name", "column_1": "email", "update_known": "on"})
    assert client.get(url).context["busy"]
    contact_imports.run_check(import_id=row.pk, now=timezone.now())
    page = client.get(url)
    assert [one["value"] for one in page.context["numbers"]] == [1, 0, 0, 1]
    assert b"Jo\xc3\xa3o" in client.get(f"{url}refused.csv").content

    client.post(f"{url}start/")
    contact_imports.run(import_id=row.pk, now=timezone.now())
    page = client.get(f"{url}?outcome=new")
    assert page.context["over"]
    assert [line.who for line in page.context["page"]] == ["Zélia"]
    assert Contact.objects.get().email == "zelia@example.com"


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04\x00"], ids=["empty", "workbook"])
def test_a_file_that_is_none_gives_the_form_again(acme, ana, client_of, raw):
    answer = client_of(acme, user=ana).post("/chat/contacts/import/", {"file": SimpleUploadedFile("x.csv", raw)})

    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert not ContactImport.objects.exists()


def test_columns_that_make_no_sense_give_the_form_again(acme, ana, client_of):
    row = ContactImportFactory()

    answer = client_of(acme, user=ana).post(
        f"/chat/contacts/import/{row.pk}/check/", {"column_0": "name", "column_1": "name"}
    )

    assert answer.status_code == 422
    assert answer.context["form"].errors
    row.refresh_from_db()
    assert row.state == "uploaded"


def test_agents_neither_import_nor_export(acme, bia, client_of):
    client = client_of(acme, user=bia)
    row, file = ContactImportFactory(), DataExportFactory()

    for url in (
        "/chat/contacts/import/",
        f"/chat/contacts/import/{row.pk}/",
        f"/chat/contacts/import/{row.pk}/refused.csv",
        "/settings/chat/exports/",
        f"/settings/chat/exports/{file.pk}/",
        "/api/v1/chat/contacts/imports/",
        "/api/v1/chat/exports/",
    ):
        assert client.get(url).status_code == 403, url
    assert client.put("/api/v1/chat/contacts/imports/upload/", CSV, "text/csv").status_code == 403
    assert b"Import contacts" not in client.get("/chat/contacts/").content


@pytest.mark.parametrize("rows", [1, 3])
def test_the_lines_of_an_import_ask_the_same_number_of_questions(acme, ana, client_of, rows, django_assert_num_queries):
    row = ContactImportFactory(state="done")
    ImportLineFactory.create_batch(rows, transfer=row)
    client = client_of(acme, user=ana)
    client.get(f"/chat/contacts/import/{row.pk}/")

    with django_assert_num_queries(6):
        page = client.get(f"/chat/contacts/import/{row.pk}/")

    assert len(page.context["page"]) == rows


def test_a_file_goes_in_over_the_api(acme, ana, client_of):
    client = client_of(acme, user=ana)
    base = "/api/v1/chat/contacts/imports/"

    made = client.put(f"{base}upload/?name=clientes.csv", CSV, "text/csv")
    assert (made.status_code, made.json()["mapping"], made.json()["encoding"]) == (201, ["name", "email"], "cp1252")
    url = f"{base}{made.json()['id']}/"
    asked = client.post(f"{url}check/", {"mapping": ["name", "email"]}, "application/json")
    assert (asked.status_code, asked.json()["state"]) == (202, "checking")
    assert client.post(f"{url}start/").json()["code"] == "not_now"
    contact_imports.run_check(import_id=made.json()["id"], now=timezone.now())

    lines = client.get(f"{url}lines/?outcome=refused").json()["results"]
    assert [(line["line"], line["field"], line["reason"], line["cells"]) for line in lines] == [
        (3, "email", "email", ["João", "joao"])
    ]
    assert client.get(f"{url}refused/")["Content-Type"].startswith("text/csv")
    assert client.post(f"{url}start/").status_code == 202
    contact_imports.run(import_id=made.json()["id"], now=timezone.now())
    assert client.get(url).json()["counts"] == {"new": 1, "refused": 1}
    assert client.post(f"{url}check/", {"mapping": ["name"]}, "application/json").status_code == 409


def test_an_export_is_asked_for_and_taken_by_its_link_over_the_api(acme, beta, ana, client_of):
    client = client_of(acme, user=ana)

    asked = client.post("/api/v1/chat/exports/", {"kind": "contacts"}, "application/json")
    assert (asked.status_code, asked.json()["url"]) == (202, None)
    assert client.post("/api/v1/chat/exports/", {"kind": "contacts"}, "application/json").status_code == 429
    exports.run(export_id=asked.json()["id"], now=timezone.now())
    found = client.get(f"/api/v1/chat/exports/{asked.json()['id']}/").json()

    taken = client_of(acme).get(found["url"])
    assert taken.status_code == 200
    assert b"".join(taken.streaming_content).startswith(b"\xef\xbb\xbfid,name,email")
    # The same row in another tenant: the link opens nothing there.
    row = DataExport.objects.get()
    with tenant_context(beta):
        DataExportFactory(pk=row.pk)
    assert client_of(beta).get(found["url"]).status_code == 404


def test_the_page_of_exports_makes_a_file_and_hands_it_over(acme, ana, client_of):
    client = client_of(acme, user=ana)

    assert client.post("/settings/chat/exports/", {"what": "contacts.jsonl"}).status_code == 302
    assert client.post("/settings/chat/exports/", {"what": "everything.exe"}).status_code == 422
    row = DataExport.objects.get()
    exports.run(export_id=row.pk, now=timezone.now())

    assert client.get("/settings/chat/exports/").context["busy"] is False
    answer = client.get(f"/settings/chat/exports/{row.pk}/")
    assert answer["Content-Disposition"].endswith('.jsonl"')
    answer.close()


def test_labels_of_an_import_are_shown_and_found(acme, bia, client_of):
    contact = ContactFactory(name="Zélia")
    contact.labels.add(LabelFactory(name="VIP"))
    ContactFactory()
    client = client_of(acme, user=bia)

    assert [label["name"] for label in client.get(f"/chat/contacts/{contact.pk}/").context["labels"]] == ["VIP"]
    found = client.get("/api/v1/chat/contacts/?label=vip").json()["results"]
    assert [one["id"] for one in found] == [str(contact.pk)]

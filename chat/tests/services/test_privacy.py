"""A person's data is handed over whole, erased for good, and not kept longer than promised."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.errors import ContactNotFound
from chat.models import Contact, Conversation, ImportLine, Message, OutgoingPart
from chat.services import contacts, privacy, transcripts
from chat.tests.factories import (
    AttachmentFactory,
    ChannelAccountFactory,
    ContactInboxFactory,
    ContactNoteFactory,
    ConversationFactory,
    DataExportFactory,
    DraftFactory,
    ImportLineFactory,
    LabelFactory,
    LeftMessageFactory,
    MessageFactory,
    OutgoingPartFactory,
)
from ops.kernel.audit import services as audit
from ops.kernel.audit.models import AuditEntry, AuditWords
from ops.kernel.ids import uuid7
from ops.kernel.outbox.models import InboxEvent
from ops.kernel.outbox.services import inbox as webhooks
from ops.kernel.webhooks.models import WebhookDelivery
from ops.kernel.webhooks.tests.factories import WebhookDeliveryFactory

SECRET = "Zulmira"


@pytest.fixture
def person(acme, bia):
    """Somebody whose every trace carries one word."""
    link = ContactInboxFactory(contact__name=SECRET, contact__email=f"{SECRET}@mail.example".lower())
    Contact.objects.filter(pk=link.contact_id).update(
        attrs={"pet": SECRET}, last_page={"title": SECRET}, company=SECRET
    )
    conversation = ConversationFactory(contact_inbox=link, page_url=f"https://shop.example/{SECRET}")
    asked = MessageFactory(conversation=conversation, body=f"Sou a {SECRET}")
    AttachmentFactory(message=asked, name=f"{SECRET}.txt")
    MessageFactory(conversation=conversation, by=bia, body=f"Olá, {SECRET}")
    MessageFactory(conversation=conversation, by=bia, body=f"{SECRET} é exigente", private=True)
    ContactNoteFactory(contact=link.contact, body=f"{SECRET} liga às terças")
    DraftFactory(conversation=conversation, body=f"Cara {SECRET}")
    LeftMessageFactory(contact_inbox=link, name=SECRET, body=f"{SECRET} de novo")
    return link.contact


def everything_in_the_schema():
    """Every text of every table of chat, as the database holds it."""
    words = []
    with connection.cursor() as sql:
        sql.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name LIKE 'chat\\_%%'"
        )
        for (table,) in sql.fetchall():
            sql.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            words += [f"{table}: {row}" for (row,) in sql.fetchall()]
    return words


def test_everything_is_handed_over(person, bia):
    with privacy.export(contact_id=person.pk, by=bia) as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        names = archive.namelist()
        about = json.loads(archive.read("contact.json"))
        (talk,) = (json.loads(archive.read(name)) for name in names if name.startswith("conversations/"))
        files = [name for name in names if name.startswith("files/")]

    assert (about["name"], about["notes"][0]["text"]) == (SECRET, f"{SECRET} liga às terças")
    assert [line["body"] for line in talk["messages"]] == [f"Sou a {SECRET}", f"Olá, {SECRET}", f"{SECRET} é exigente"]
    assert len(files) == 1
    assert AuditEntry.objects.filter(action="chat.contact_exported").count() == 1


def test_nothing_personal_is_left(person, bia):
    before = [row for row in everything_in_the_schema() if SECRET.lower() in row.lower()]
    assert len(before) >= 7

    found = privacy.erase(contact_id=person.pk, by=bia)

    assert found == {"conversations": 1, "messages": 3, "files": 1, "webhooks": 0}
    assert [row for row in everything_in_the_schema() if SECRET.lower() in row.lower()] == []
    assert AuditEntry.objects.get(action="chat.contact_erased").detail == found


def test_history_stays_in_order_and_empty(person, acme, bia, client_of):
    privacy.erase(contact_id=person.pk, by=bia)

    conversation = Conversation.objects.get()
    rows = list(Message.objects.filter(conversation=conversation).order_by("seq"))
    assert [row.body for row in rows] == ["", "", ""]
    assert all(row.deleted_at for row in rows)
    told = client_of(acme, user=bia).get(f"/api/v1/chat/conversations/{conversation.number}/events/?after_seq=0")
    assert told.status_code == 200
    assert SECRET not in told.content.decode()


def test_what_waits_for_other_systems_goes_too_and_the_rest_stays(person, bia):
    talk = Conversation.objects.get()
    link = talk.contact_inbox
    theirs = WebhookDeliveryFactory(body=f'{{"conversation": "{talk.pk}"}}')
    others = WebhookDeliveryFactory(body=f'{{"conversation": "{uuid7()}"}}')

    privacy.erase(contact_id=person.pk, by=bia)

    assert list(WebhookDelivery.objects.values_list("pk", flat=True)) == [others.pk] != [theirs.pk]
    link.refresh_from_db()
    assert link.source_id == f"erased:{link.pk}"


def test_others_keep_theirs(person, bia):
    other = MessageFactory(body="Outra pessoa")

    privacy.erase(contact_id=person.pk, by=bia)

    other.refresh_from_db()
    assert other.body == "Outra pessoa"


def test_nobody_is_erased_twice_or_by_a_wrong_name(acme, bia):
    with pytest.raises(ContactNotFound):
        privacy.erase(contact_id=uuid7(), by=bia)


def test_old_conversations_go_when_their_inbox_says_so(acme, person):
    now = timezone.now()
    conversation = Conversation.objects.select_related("inbox").get()
    kept = ConversationFactory()
    Conversation.objects.update(status="resolved", last_activity_at=now - timedelta(days=31))

    assert privacy.retain(now=now) == 0
    conversation.inbox.retention_days = 30
    conversation.inbox.save()
    assert privacy.retain(now=now) == 1
    assert privacy.retain(now=now) == 0

    assert list(Conversation.objects.values_list("pk", flat=True)) == [kept.pk]
    proof = AuditEntry.objects.get(action="chat.conversations_expired")
    assert (proof.detail["count"], proof.detail["days"]) == (1, 30)


def test_an_open_conversation_is_not_old(acme, person):
    conversation = Conversation.objects.select_related("inbox").get()
    conversation.inbox.retention_days = 1
    conversation.inbox.save()
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(days=31))

    assert privacy.retain(now=timezone.now()) == 0


def test_owners_export_and_erase_agents_and_other_tenants_do_not(person, acme, beta, ana, bia, client_of):
    base = f"/api/v1/chat/contacts/{person.pk}/lgpd/"
    owner, agent, stranger = client_of(acme, user=ana), client_of(acme, user=bia), client_of(beta, role="owner")

    assert (agent.get(f"{base}export/").status_code, agent.post(f"{base}erase/").status_code) == (403, 403)
    assert (stranger.get(f"{base}export/").status_code, stranger.post(f"{base}erase/").status_code) == (404, 404)
    file = owner.get(f"{base}export/")
    assert (file.status_code, file.headers["Content-Type"]) == (200, "application/zip")
    assert zipfile.is_zipfile(io.BytesIO(b"".join(file.streaming_content)))
    assert f'href="/chat/contacts/{person.pk}/data/"' in owner.get(f"/chat/contacts/{person.pk}/").content.decode()
    assert owner.get(f"/chat/contacts/{person.pk}/data/").status_code == 200
    assert owner.post(f"/chat/contacts/{person.pk}/erase/").status_code == 302
    person.refresh_from_db()
    assert person.name == ""


@pytest.fixture
def wrote_by_telegram(acme, bia):
    """Somebody who wrote through a channel, and what is kept about it outside the counter's own tables."""
    account = ChannelAccountFactory()
    contact = contacts.create(name=SECRET, email="zulmira@mail.example", phone_e164="+5511987654321", by=bia)
    link = ContactInboxFactory(contact=contact, inbox=account.inbox, source_id="700800900")
    conversation = ConversationFactory(contact_inbox=link)
    asked = MessageFactory(conversation=conversation, body="Oi")
    Message.objects.filter(pk=asked.pk).update(source_id="700800900:41")
    reply = MessageFactory(conversation=conversation, by=bia, body="Olá")
    OutgoingPartFactory(message=reply, inbox=account.inbox, external_id="700800900:42")
    transcripts.order(conversation_id=conversation.pk, to="zulmira@mail.example", by=bia)
    return contact


def test_what_a_provider_sent_is_emptied_and_still_known(wrote_by_telegram, bia, noon):
    raw = [
        b'{"message":{"from":{"id":700800900,"first_name":"Zulmira"}}}',
        b'{"statuses":[{"recipient_id":"5511987654321"}]}',
        b"From: Zulmira <zulmira@mail.example>\r\n\r\nOi",
        b'{"message":{"from":{"id":111222333,"first_name":"Outra"}}}',
    ]
    for number, body in enumerate(raw):
        webhooks.receive(
            provider="telegram", external_id=f"x:{number}", kind="x", body=body, headers={"a": "b"}, now=noon
        )

    assert privacy.erase(contact_id=wrote_by_telegram.pk, by=bia)["webhooks"] == 3

    kept = {row.external_id: (bytes(row.body), row.headers) for row in InboxEvent.objects.all()}
    assert kept == {"x:0": (b"", {}), "x:1": (b"", {}), "x:2": (b"", {}), "x:3": (raw[3], {"a": "b"})}
    again = webhooks.receive(provider="telegram", external_id="x:0", kind="x", body=raw[0], headers={}, now=noon)[1]
    assert again is False


def test_webhooks_of_another_tenant_stay(wrote_by_telegram, beta, bia, noon):
    with tenant_context(beta):
        webhooks.receive(provider="telegram", external_id="y", kind="x", body=b"700800900", headers={}, now=noon)

    privacy.erase(contact_id=wrote_by_telegram.pk, by=bia)

    assert bytes(InboxEvent.objects.get(external_id="y").body) == b"700800900"


def test_ids_of_the_provider_go_and_stay_unique(wrote_by_telegram, bia):
    privacy.erase(contact_id=wrote_by_telegram.pk, by=bia)

    asked = Message.objects.exclude(source_id="").get()
    assert asked.source_id == f"erased:{asked.pk}"
    assert not OutgoingPart.objects.filter(external_id__contains="700800900").exists()
    assert not any("700800900" in row for row in everything_in_the_schema())


def test_the_audit_log_forgets_the_name_and_still_proves_itself(wrote_by_telegram, bia):
    words = " ".join(AuditWords.objects.values_list("label", flat=True))
    assert SECRET in words
    assert SECRET not in " ".join(AuditEntry.objects.values_list("object_label", flat=True))
    entries = AuditEntry.objects.count()

    privacy.erase(contact_id=wrote_by_telegram.pk, by=bia)

    assert list(AuditWords.objects.values_list("label", "detail")) == []
    assert AuditEntry.objects.filter(action="chat.contact_created", object_id=str(wrote_by_telegram.pk)).exists()
    assert AuditEntry.objects.count() == entries + 1
    assert audit.verify().ok


def test_lists_and_files_with_their_data_go_too(wrote_by_telegram, bia, django_capture_on_commit_callbacks):
    ImportLineFactory(contact=wrote_by_telegram, outcome="new", who=SECRET)
    other = ImportLineFactory()
    file = DataExportFactory()
    wrote_by_telegram.labels.add(LabelFactory())

    with django_capture_on_commit_callbacks(execute=True):
        privacy.erase(contact_id=wrote_by_telegram.pk, by=bia)

    assert list(ImportLine.objects.all()) == [other]
    assert not default_storage.exists(file.file.name)
    wrote_by_telegram.refresh_from_db()
    assert (wrote_by_telegram.labels.count(), wrote_by_telegram.erased_at is not None) == (0, True)

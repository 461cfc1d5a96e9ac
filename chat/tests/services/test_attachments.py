from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tenants.utils import tenant_context

from billing import entitlements
from billing.errors import PlanLimitReached
from billing.services import overrides
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.enums import AttachmentKind, AttachmentState
from chat.errors import (
    AttachmentNotFound,
    FeatureNotIncluded,
    FileNotReady,
    FilesNotTaken,
    FilesOff,
    FileTooLarge,
    FileTypeRefused,
    TooManyFiles,
    UploadMismatch,
)
from chat.models import Attachment, Inbox, Message
from chat.services import attachments, conversations, message_changes, messages, processing
from chat.tests import files
from chat.tests.factories import ConversationFactory
from ops.kernel.alerts.models import Alert
from ops.kernel.configuration import services as configuration

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(acme):
    """A plan with every feature and ten kilobytes."""
    plan = PlanFactory(
        flags={"fileUpload": True, "audioRecording": True}, limits={"storage.bytes": 10_000, "chat.agents": None}
    )
    SubscriptionFactory(tenant=acme, plan=plan)
    entitlements.forget(acme)
    return plan


@pytest.fixture
def conversation(plan):
    return ConversationFactory()


@pytest.fixture
def visitor(conversation):
    return conversations.visitor_of(conversation)


def upload(owner, body, *, name="file.bin", now=None, **fields):
    """Announce and send in one piece."""
    row = attachments.begin(owner=owner, name=name, bytes=len(body), now=now, **fields)
    return attachments.put(attachment_id=row.pk, owner=owner, body=body)


def test_pieces_come_in_order_and_may_be_repeated(plan, bia):
    row = attachments.begin(owner=bia, name="notes.txt", bytes=11)
    send = {"attachment_id": row.pk, "owner": bia, "total": 11}

    assert attachments.put(body=b"hello", start=0, **send).received == 5
    assert attachments.put(body=b"hello", start=0, **send).received == 5  # the answer got lost
    with pytest.raises(UploadMismatch) as gap:
        attachments.put(body=b"ld", start=9, **send)
    assert gap.value.params == {"received": 5}
    with pytest.raises(UploadMismatch):
        attachments.put(body=b" world", start=5, attachment_id=row.pk, owner=bia, total=12)
    # It overlaps what is here: only the rest is kept.
    done = attachments.put(body=b"lo world", start=3, **send)

    assert (done.state, done.received, len(done.parts)) == (AttachmentState.SCANNING, 11, 2)
    assert b"".join(files.stored(part) for part in done.parts) == b"hello world"
    assert attachments.put(body=b" world", start=5, **send).pk == row.pk


def test_what_the_sender_says_about_the_type_counts_nothing(plan, bia):
    row = attachments.begin(owner=bia, name="holiday.jpg", bytes=8)
    with pytest.raises(FileTypeRefused):
        attachments.put(attachment_id=row.pk, owner=bia, body=b"MZ\x90\x00\x03\x00\x00\x00")

    row.refresh_from_db()
    assert (row.state, row.reason, row.stored_bytes, row.parts) == (AttachmentState.REJECTED, "type", 0, [])


def test_a_kind_above_its_limit_is_refused_by_its_first_bytes(acme, bia):
    configuration.set("chat.files", {"image_mb": 1}, by=bia)
    row = attachments.begin(owner=bia, name="big.png", bytes=2_000_000)

    picture = files.photo(300, 300, format="PNG")
    for _ in range(2):  # and again, when the client did not hear it
        with pytest.raises(FileTooLarge) as refusal:
            attachments.put(attachment_id=row.pk, owner=bia, body=picture, total=2_000_000)
        assert refusal.value.params == {"limit": 1}
    with pytest.raises(FileTooLarge):
        attachments.begin(owner=bia, name="huge", bytes=10**12)


def test_a_beginning_too_short_to_tell_is_judged_at_the_end(plan, bia):
    body = files.photo(40, 40, format="PNG")
    row = attachments.begin(owner=bia, name="a.bin", bytes=len(body))

    for start in range(0, len(body), 50):
        attachments.put(attachment_id=row.pk, owner=bia, body=body[start : start + 50], start=start)
    processing.run(attachment_id=row.pk)

    row.refresh_from_db()
    assert (row.state, row.kind, row.name) == ("ready", "image", "a.png")


def test_a_full_storage_refuses_with_its_numbers_and_text_goes_on(conversation, visitor, bia, noon):
    upload(bia, b"x" * 9_000, name="a.txt", now=noon)
    with pytest.raises(PlanLimitReached) as refusal:
        upload(bia, b"y" * 2_000, now=noon)

    assert (refusal.value.status, refusal.value.params["limit"], refusal.value.params["used"]) == (402, 10_000, 9_000)
    with pytest.raises(FilesNotTaken):
        upload(visitor, b"y" * 2_000, now=noon)
    assert Alert.objects.get(kind="chat.limit_reached").count == 2
    sent = messages.send_from_visitor(
        conversation_id=conversation.pk, visitor=visitor, body="Can you still read me?", client_id=uuid4()
    )
    assert sent.created


def test_removing_a_file_gives_its_room_back(plan, bia):
    row = upload(bia, b"x" * 9_000, name="a.txt")
    assert entitlements.used("storage.bytes") == 9_000

    attachments.discard(attachment_id=row.pk, owner=bia)

    assert entitlements.used("storage.bytes") == 0


def test_features_of_plan_and_inbox_are_asked(acme, bia, django_capture_on_commit_callbacks):
    conversation = ConversationFactory()
    visitor = conversations.visitor_of(conversation)
    plan = PlanFactory(flags={"fileUpload": True, "audioRecording": False}, limits={})
    SubscriptionFactory(tenant=acme, plan=plan)
    entitlements.forget(acme)
    with pytest.raises(FeatureNotIncluded):
        attachments.begin(owner=bia, name="voice", bytes=10, voice=True)

    Inbox.objects.filter(pk=conversation.inbox_id).update(features={"attachments": False})
    with pytest.raises(FilesOff):
        attachments.begin(owner=visitor, name="a.txt", bytes=10)
    assert attachments.begin(owner=bia, name="a.txt", bytes=10)


def test_a_message_carries_files_in_order_and_only_the_senders_own(conversation, visitor, bia):
    one, two = upload(bia, b"one", name="one.txt"), upload(bia, b"two", name="two.txt")
    theirs = upload(visitor, b"three", name="three.txt")
    key = uuid4()
    send = {"conversation_id": conversation.pk, "by": bia, "body": "", "client_id": key}

    with pytest.raises(FileNotReady):
        messages.send(**send, attachment_ids=[one.pk, theirs.pk])
    assert not Message.objects.filter(client_id=key).exists()
    sent = messages.send(**send, attachment_ids=[two.pk, one.pk])
    again = messages.send(**send, attachment_ids=[two.pk, one.pk])

    assert (sent.wire["kind"], [file["name"] for file in sent.wire["attachments"]]) == (
        "attachment",
        ["two.txt", "one.txt"],
    )
    assert (again.created, again.wire["attachments"]) == (False, sent.wire["attachments"])
    conversation.refresh_from_db()
    assert conversation.preview == "two.txt, one.txt"
    with pytest.raises(FileNotReady):  # carried already
        messages.send(**{**send, "client_id": uuid4()}, attachment_ids=[one.pk])
    with pytest.raises(TooManyFiles):
        messages.send(**{**send, "client_id": uuid4()}, attachment_ids=[uuid4() for _ in range(11)])


def test_an_incomplete_upload_cannot_be_sent(conversation, visitor):
    row = attachments.begin(owner=visitor, name="a.txt", bytes=10)

    with pytest.raises(FileNotReady):
        messages.send_from_visitor(
            conversation_id=conversation.pk, visitor=visitor, body="Look", client_id=uuid4(), attachment_ids=[row.pk]
        )


def test_deleting_a_message_deletes_its_files(conversation, bia, django_capture_on_commit_callbacks):
    row = upload(bia, b"a list", name="list.txt")
    processing.run(attachment_id=row.pk)
    row.refresh_from_db()
    sent = messages.send(
        conversation_id=conversation.pk, by=bia, body="Here", client_id=uuid4(), attachment_ids=[row.pk]
    )
    assert default_storage.exists(row.file.name)

    with django_capture_on_commit_callbacks(execute=True):
        told = message_changes.delete(message_id=sent.id, by=bia)

    assert (told["attachments"], Attachment.objects.count()) == ([], 0)
    assert not default_storage.exists(row.file.name)


def test_the_sweep_takes_what_nobody_sent_for_a_day(conversation, visitor, bia, django_capture_on_commit_callbacks):
    old, young, sent = (upload(bia, b"text", name=f"{number}.txt") for number in range(3))
    messages.send(conversation_id=conversation.pk, by=bia, body="x", client_id=uuid4(), attachment_ids=[sent.pk])
    Attachment.objects.filter(pk__in=[old.pk, sent.pk]).update(created_at=timezone.now() - timedelta(hours=25))

    with django_capture_on_commit_callbacks(execute=True):
        removed = attachments.sweep(now=timezone.now())

    assert removed == 1
    assert set(Attachment.objects.values_list("pk", flat=True)) == {young.pk, sent.pk}
    assert not default_storage.exists(old.parts[0])
    assert default_storage.exists(sent.parts[0])


def test_an_upload_of_somebody_else_is_not_there(conversation, visitor, acme, beta, caio, bia):
    row = attachments.begin(owner=bia, name="a.txt", bytes=4)

    for stranger in (visitor, caio):
        with pytest.raises(AttachmentNotFound):
            attachments.put(attachment_id=row.pk, owner=stranger, body=b"text")
    with tenant_context(beta), pytest.raises(AttachmentNotFound):
        attachments.find(attachment_id=row.pk, owner=caio)
    row.refresh_from_db()
    assert (row.received, row.kind) == (0, AttachmentKind.DOCUMENT)


def test_what_the_company_switched_off_is_off_in_console_and_widget(acme, ana, noon):
    assert attachments.allowed()["attachments"]

    overrides.switch(tenant=acme, name="fileUpload", is_on=False, by=ana, now=noon)

    assert attachments.allowed() == {"attachments": False, "voice": False}

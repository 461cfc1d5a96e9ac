import io
import socketserver
import threading
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.enums import AttachmentState
from chat.models import Attachment, ChatEvent
from chat.services import messages, processing
from chat.tests import files
from chat.tests.factories import ConversationFactory
from chat.tests.providers.test_clamd import EICAR, Clamd
from chat.tests.services.test_attachments import upload
from ops.kernel import ffmpeg
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import TemporaryFailure
from ops.kernel.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def roomy(acme):
    """A plan with recorded voice."""
    SubscriptionFactory(tenant=acme, plan=PlanFactory(flags={"fileUpload": True, "audioRecording": True}, limits={}))
    entitlements.forget(acme)


def processed(owner, body, **fields):
    row = upload(owner, body, **fields)
    processing.run(attachment_id=row.pk)
    row.refresh_from_db()
    return row


def probed(name, container, tmp_path):
    path = tmp_path / "probe"
    path.write_bytes(files.stored(name))
    return ffmpeg.probe(path, container)


def test_a_photograph_loses_its_place_and_stands_upright(acme, bia):
    row = processed(bia, files.photo(3200, 1600), name="IMG_1.jpeg")

    assert (row.state, row.kind, row.mime, row.name) == ("ready", "image", "image/jpeg", "IMG_1.jpeg")
    assert (row.width, row.height) == (1280, 2560)
    assert row.file.name.startswith(f"uploads/images/{row.created_at:%Y/%m}/")
    with Image.open(io.BytesIO(files.content(row.file))) as kept:
        assert (kept.size, dict(kept.getexif())) == ((1280, 2560), {})
        assert b"Camera" not in kept.fp.getvalue()
    with Image.open(io.BytesIO(files.content(row.thumb))) as small:
        assert (small.format, max(small.size)) == ("WEBP", 480)
    assert row.stored_bytes == row.file.size + row.thumb.size
    assert row.parts == []


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_every_picture_can_be_opened_again(acme, bia, format):
    row = processed(bia, files.photo(60, 40, format=format), name="x")

    assert (row.state, row.width, row.height) == ("ready", 60, 40)
    with Image.open(io.BytesIO(files.content(row.file))) as kept:
        kept.load()
        assert kept.format == {"BMP": "PNG", "AVIF": "JPEG"}.get(format, format)


def test_an_animation_still_moves(acme, bia):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0, comment=b"made at home")

    row = processed(bia, out.getvalue(), name="dance.gif")

    with Image.open(io.BytesIO(files.content(row.file))) as kept:
        assert (kept.n_frames, kept.info.get("comment")) == (3, None)


@pytest.mark.parametrize(("codec", "ending"), [("libopus", "webm"), ("aac", "mp4")])
def test_a_voice_note_plays_in_every_browser_and_on_whatsapp(roomy, bia, tmp_path, codec, ending):
    row = processed(bia, files.sound(codec=codec, ending=ending), name="voice", voice=True)

    assert (row.state, row.kind, row.mime, row.name) == ("ready", "audio", "audio/mp4", "voice.m4a")
    assert row.duration_s == pytest.approx(1, abs=0.1)
    assert len(row.peaks) == 64
    assert max(row.peaks) == 100
    assert row.file.name.startswith("uploads/audio/")
    assert probed(row.file.name, "mov", tmp_path).audio == "aac"
    assert probed(row.opus.name, "ogg", tmp_path).audio == "opus"


def test_a_film_gets_a_picture_and_loses_its_place(acme, bia, tmp_path):
    body = files.film()
    assert b"loci" in body

    row = processed(bia, body, name="oven.mov")

    assert (row.state, row.kind, row.mime, row.name, row.width, row.height) == (
        "ready",
        "video",
        "video/mp4",
        "oven.mp4",
        128,
        96,
    )
    assert row.duration_s == pytest.approx(0.5, abs=0.1)
    assert b"loci" not in files.content(row.file)
    with Image.open(io.BytesIO(files.content(row.thumb))) as still:
        assert still.size == (128, 96)


def test_a_document_is_kept_as_it_came(acme, bia):
    row = processed(bia, b"%PDF-1.4\nhello", name="Cardápio.pdf")

    assert (row.state, row.kind, row.mime, files.content(row.file)) == (
        "ready",
        "document",
        "application/pdf",
        b"%PDF-1.4\nhello",
    )
    assert row.file.name.startswith("uploads/documents/")
    # On the disk it lies below the tenant's own folder.
    assert "/tenants/t_acme/uploads/documents/" in default_storage.path(row.file.name)


@pytest.mark.parametrize(
    "body",
    [
        files.photo(80, 80)[:600],
        b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00" + b"\x00" * 40,
        b"OggS" + b"\x00" * 400,
        b"\x00\x00\x00\x20ftypisom" + b"\x00" * 400,
    ],
)
def test_a_damaged_file_is_rejected_and_leaves_nothing(acme, bia, body, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = processed(bia, body, name="x")

    assert (row.state, row.reason, row.stored_bytes) == ("rejected", "broken", 0)
    assert default_storage.listdir("uploads")[1] == []
    assert row.names == []


def test_a_second_run_changes_nothing(acme, bia, django_capture_on_commit_callbacks):
    row = upload(bia, files.photo(50, 50), name="a.jpg")
    with django_capture_on_commit_callbacks(execute=True):
        processing.run(attachment_id=row.pk)
    first = Attachment.objects.get(pk=row.pk)
    with django_capture_on_commit_callbacks(execute=True):
        processing.run(attachment_id=row.pk)

    again = Attachment.objects.get(pk=row.pk)
    assert (again.file.name, again.updated_at) == (first.file.name, first.updated_at)
    assert default_storage.exists(again.file.name)


def test_the_worker_that_was_late_clears_its_own_work_away(acme, bia, monkeypatch, django_capture_on_commit_callbacks):
    row = upload(bia, b"text", name="a.txt")
    make = processing._make

    def slow(*args):
        changes = make(*args)
        Attachment.objects.filter(pk=row.pk).update(state=AttachmentState.READY, file="uploads/first.txt")
        return changes

    monkeypatch.setattr(processing, "_make", slow)
    with django_capture_on_commit_callbacks(execute=True):
        processing.run(attachment_id=row.pk)

    row.refresh_from_db()
    assert row.file.name == "uploads/first.txt"
    folder = f"uploads/documents/{row.created_at:%Y/%m}"
    assert default_storage.listdir(folder)[1] == []


def test_the_scanner_refuses_and_is_waited_for(acme, bia, settings):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.CLAMD_URL = f"tcp://127.0.0.1:{server.server_address[1]}"
        bad = processed(bia, b"Text with " + EICAR, name="eicar.txt")
        good = processed(bia, b"Text without", name="fine.txt")
        server.shutdown()

    assert (bad.state, bad.reason, bad.file.name) == ("rejected", "virus", "")
    assert AuditEntry.objects.get(action="chat.file_refused").detail["found"] == "Eicar-Test-Signature"
    assert good.state == "ready"
    waits = upload(bia, b"Nobody scans", name="later.txt")
    with pytest.raises(TemporaryFailure):
        processing.run(attachment_id=waits.pk)
    waits.refresh_from_db()
    assert waits.state == "scanning"


def test_the_conversation_hears_when_a_file_is_done(acme, bia):
    conversation = ConversationFactory()
    row = upload(bia, b"a list", name="list.txt")
    sent = messages.send(conversation_id=conversation.pk, by=bia, body="", client_id=uuid4(), attachment_ids=[row.pk])
    assert sent.wire["attachments"][0]["state"] == "scanning"
    assert sent.wire["attachments"][0]["url"] is None

    processing.run(attachment_id=row.pk)

    last = ChatEvent.objects.filter(conversation=conversation).order_by("-seq").first()
    assert (last.type, last.message_id, last.pub_seq is not None) == ("message.updated", sent.id, True)
    event = OutboxEvent.objects.get(name="chat.attachment_finished")
    assert (event.payload["state"], event.payload["message_id"]) == ("ready", str(sent.id))

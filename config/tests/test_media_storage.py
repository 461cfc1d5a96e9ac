"""Files on disk and on S3: below the tenant's own prefix, read in parts, and the same for whoever uses them."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django_tenants.utils import schema_context, tenant_context

from chat.queries import attachments as queries
from chat.services import attachments, processing
from chat.tests import files
from config.storages import MediaStorage, TenantS3Storage
from config.tests.s3 import FakeS3

pytestmark = pytest.mark.django_db


@pytest.fixture
def s3():
    with FakeS3() as fake:
        yield fake


@pytest.fixture(params=["disk", "s3"])
def storage(request, settings, tmp_path):
    """The storage that STORAGE_URL names."""
    if request.param == "disk":
        settings.STORAGE_URL = f"file://{tmp_path}"
    else:
        fake = request.getfixturevalue("s3")
        settings.STORAGE_URL = f"s3://AKID:secret@media?endpoint={fake.url}&region=us-east-1"
    return MediaStorage()


def test_a_file_is_stored_read_in_parts_and_deleted(acme, storage):
    name = storage.save("uploads/documents/2026/11/list.txt", ContentFile(b"0123456789"))

    assert storage.exists(name)
    with storage.open(name) as file:
        assert file.read() == b"0123456789"
    assert b"".join(storage.read_range(name, 2, 5)) == b"23456"
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        list(storage.read_range(name, 0, 5))


def test_no_name_reaches_another_tenants_files(acme, beta, storage):
    name = storage.save("uploads/secret.txt", ContentFile(b"of acme"))

    with tenant_context(beta):
        assert not storage.exists(name)
        with pytest.raises(SuspiciousOperation):
            list(storage.read_range(f"../../t_acme/{name}", 0, 7))


def test_on_s3_the_key_is_the_seeds_layout(acme, s3, settings):
    settings.STORAGE_URL = f"s3://AKID:secret@media?endpoint={s3.url}&region=us-east-1"
    storage = MediaStorage()

    storage.save("uploads/images/2026/11/a.jpg", ContentFile(b"picture"))
    with schema_context("t_other"):
        storage.save("uploads/images/2026/11/a.jpg", ContentFile(b"theirs"))

    assert s3.objects == {
        "media/tenants/t_acme/uploads/images/2026/11/a.jpg": b"picture",
        "media/tenants/t_other/uploads/images/2026/11/a.jpg": b"theirs",
    }


def test_an_upload_goes_all_its_way_on_s3(acme, bia, s3, settings, monkeypatch, django_capture_on_commit_callbacks):
    storage = TenantS3Storage(
        bucket_name="media",
        endpoint_url=s3.url,
        region_name="us-east-1",
        access_key="AKID",
        secret_key="secret",
        file_overwrite=False,
    )
    monkeypatch.setattr(default_storage, "_wrapped", storage)
    body = files.photo(300, 200)

    with django_capture_on_commit_callbacks(execute=True):
        row = attachments.begin(owner=bia, name="pao.jpg", bytes=len(body))
        for start in range(0, len(body), 2000):
            piece = body[start : start + 2000]
            attachments.put(attachment_id=row.pk, owner=bia, body=piece, start=start, total=len(body))
        processing.run(attachment_id=row.pk)

    row.refresh_from_db()
    assert row.state == "ready"
    folder = f"media/tenants/t_acme/uploads/images/{row.created_at:%Y/%m}/"
    assert sorted(s3.objects) == sorted(f"media/tenants/t_acme/{name}" for name in (row.file.name, row.thumb.name))
    assert all(name.startswith(folder) for name in s3.objects)
    stored = queries.behind(queries.signed_url(row).rpartition("/")[2], now=row.created_at)
    assert b"".join(stored.read(0, 3)) == b"\xff\xd8\xff"
    assert s3.requests[-1].startswith("GET media/tenants/t_acme/uploads/images/")


def test_a_wrong_key_is_refused(acme, s3, settings):
    settings.STORAGE_URL = f"s3://WRONG:secret@media?endpoint={s3.url}&region=us-east-1"

    with pytest.raises(Exception, match=r"AccessDenied|403|Forbidden"):
        MediaStorage().save("uploads/a.txt", ContentFile(b"x"))
    assert s3.objects == {}


def test_a_store_that_is_away_holds_no_page_for_minutes(settings):
    """What the client library would do by itself: wait a minute, five times."""
    settings.STORAGE_URL = "s3://key:secret@media?endpoint=http://127.0.0.1:1"
    waits = MediaStorage().client_config

    assert (waits.connect_timeout, waits.read_timeout, waits.retries["total_max_attempts"]) == (3, 15, 2)

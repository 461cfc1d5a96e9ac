"""The end of an account: planned, exported, told, reminded, taken back or carried out, and continued after a failure."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from conftest import person
from ops.kernel.audit.models import AuditEntry
from tenants import errors
from tenants.accounts.models import User
from tenants.accounts.services import logins
from tenants.enums import JobKind, JobState, JobStep, TenantStatus
from tenants.models import TenantJob
from tenants.services import exporting, leaving, lifecycle, provisioning
from tenants.tests.factories import TenantFactory


@pytest.fixture
def shop(acme):
    """Acme with an owner and a picture."""
    owner = person(acme, "owner", email="dona@acme.example", name="Dona")
    with tenant_context(acme):
        User.objects.filter(pk=owner.pk).update(picture=default_storage.save("people/dona.txt", ContentFile(b"a face")))
    return acme


def closed(tenant, *, own=True, now=None):
    """A tenant whose owners were told."""
    now = now or timezone.now()
    job = leaving.plan(tenant=tenant, by="the test", reason="No shop any more", now=now, own=own)
    leaving.run(job_id=job.pk, now=now)
    tenant.refresh_from_db()
    return TenantJob.objects.get(pk=job.pk)


def page_of(tenant, job):
    with tenant_context(tenant):
        return leaving.link(tenant=tenant, job=job, person=User.objects.get(email="dona@acme.example"))


def path_of(tenant, job):
    return "/" + page_of(tenant, job).split("/", 3)[3]


def test_the_export_holds_everything_but_what_opens_doors(shop):
    out = io.BytesIO()
    rows, files = exporting.write(out, tenant=shop, now=timezone.now(), inside=True)
    manifest = exporting.verify(out)

    assert rows == sum(table["rows"] for table in manifest["tables"].values())
    assert (files, manifest["files"][0]["name"]) == (1, "people/dona.txt")
    assert manifest["company"]["address"] == "acme"
    assert "password" not in manifest["tables"]["accounts_user"]["columns"]
    assert {"django_session", "mfa_authenticator", "accounts_apitoken"}.isdisjoint(manifest["tables"])
    with zipfile.ZipFile(out) as archive:
        people = archive.read("tables/accounts_user.jsonl").decode()
        assert "dona@acme.example" in people
        assert "acme.localhost" in archive.read("tables/company_addresses.jsonl").decode()


def test_an_export_that_was_changed_is_found_out(shop):
    out, changed = io.BytesIO(), io.BytesIO()
    exporting.write(out, tenant=shop, now=timezone.now(), inside=True)
    with zipfile.ZipFile(out) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            body = before.read(name)
            after.writestr(name, body.replace(b"Dona", b"Dora") if name.endswith("accounts_user.jsonl") else body)

    with pytest.raises(ValueError, match="accounts_user"):
        exporting.verify(changed)


def test_an_account_is_closed_told_and_opened_again(shop, client_of, django_capture_on_commit_callbacks):
    job = closed(shop)

    assert (shop.status, job.step, job.state) == (TenantStatus.ARCHIVED, JobStep.GRACE, JobState.QUEUED)
    with tenant_context(shop):
        dona = User.objects.get(email="dona@acme.example")
    wanted = {"job_id": job.pk, "person_id": dona.pk, "letter": "planned", "days": 0, "until": "2026-12-22"}
    assert [leaving.write_to_owner(**wanted), leaving.write_to_owner(**wanted)] == [True, False]
    letter = mail.outbox[-1]
    assert letter.to == ["dona@acme.example"]
    assert job.payload["export"]["sha256"] in letter.body
    address = path_of(shop, job)
    assert address.rsplit("/", 2)[1] in letter.body

    stranger = client_of(shop)
    assert stranger.get("/").status_code == 410
    page = stranger.get(address)
    assert page.status_code == 200
    file = stranger.get(f"{address}file/")
    body = io.BytesIO(b"".join(file.streaming_content))
    assert exporting.verify(body)["company"]["name"] == "Acme"
    assert (file["Referrer-Policy"], "no-store" in file["Cache-Control"]) == ("no-referrer", True)

    with django_capture_on_commit_callbacks(execute=True):
        assert stranger.post(address).status_code == 302
    shop.refresh_from_db()
    assert (shop.status, shop.delete_after) == (TenantStatus.ACTIVE, None)
    with tenant_context(shop):
        assert not default_storage.exists(job.payload["export"]["name"])
        told = list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))
    assert {
        "tenants.tenant_deletion_planned",
        "tenants.export_made",
        "tenants.export_fetched",
        "tenants.deletion_taken_back",
    } <= set(told)
    with schema_context("public"):
        assert AuditEntry.objects.about(shop).filter(action="tenants.export_fetched").count() == 1
    assert stranger.get(address).status_code == 404
    with pytest.raises(errors.NothingPlanned):
        leaving.take_back(tenant=shop, by="the test", now=timezone.now())


def test_the_link_opens_nobody_elses_account(shop, beta, client_of):
    address = path_of(shop, closed(shop))

    assert client_of(beta).get(address).status_code == 404
    assert client_of(beta).get(f"{address}file/").status_code == 404
    assert client_of(shop).get(address.replace(address[20:24], "abcd")).status_code == 404
    with tenant_context(shop):
        User.objects.update(is_active=False)
    assert client_of(shop).get(address).status_code == 404


def test_what_the_house_closed_no_owner_opens(shop, client_of):
    job = closed(shop, own=False)

    assert client_of(shop).post(path_of(shop, job)).status_code == 409
    shop.refresh_from_db()
    assert shop.status == TenantStatus.ARCHIVED
    leaving.take_back(tenant=shop, by="the console", now=timezone.now())
    assert shop.status == TenantStatus.ACTIVE


@pytest.mark.parametrize("place", ["make", "enqueue"])
def test_a_closing_that_stopped_goes_on(shop, monkeypatch, place):
    now = timezone.now()
    job = leaving.plan(tenant=shop, by="the test", now=now)
    where = exporting if place == "make" else leaving
    real = getattr(where, place)

    def breaks(*args, **kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr(where, place, breaks)
    with pytest.raises(OSError, match="disk"):
        leaving.run(job_id=job.pk, now=now)
    job.refresh_from_db()
    assert (job.state, job.step) == (JobState.FAILED, JobStep.EXPORT if place == "make" else JobStep.TELL)
    assert lifecycle.purge_due(now=now + timedelta(days=60)) == []

    monkeypatch.setattr(where, place, real)
    leaving.retry(job=job, by="the test", now=now)
    leaving.run(job_id=job.pk, now=now)
    job.refresh_from_db()
    assert (job.state, job.step) == (JobState.QUEUED, JobStep.GRACE)
    with tenant_context(shop):
        assert AuditEntry.objects.filter(action="tenants.export_made").count() == 1


def test_owners_are_reminded_a_week_and_a_day_before(shop):
    now = timezone.now()
    closed(shop, now=now)

    days = {day: leaving.tend(now=now + timedelta(days=day)) for day in (10, 23.5, 24, 29.5, 29.9)}
    assert days == {10: 0, 23.5: 1, 24: 0, 29.5: 1, 29.9: 0}


def test_everything_goes_and_a_record_stays(db):
    tenant = provisioning.create(name="Fim", owner=provisioning.Owner("dona@fim.example"), wait=True)
    now = timezone.now()
    job = closed(tenant, now=now)

    assert lifecycle.purge_due(now=now + timedelta(days=29)) == []
    assert [one.slug for one in lifecycle.purge_due(now=now + timedelta(days=31))] == ["fim"]
    entry = AuditEntry.objects.get(action="tenants.tenant_deleted")
    assert entry.detail == {"files": 1, "export": job.payload["export"]["sha256"]}
    job.refresh_from_db()
    assert (job.state, job.step, job.payload) == (JobState.DONE, JobStep.PURGE, {})


def test_somebody_without_tables_is_closed_without_an_export(db, noon):
    assert leaving.plan(tenant=TenantFactory(), by="the test", now=noon) is None


def test_an_export_is_asked_once_and_goes_after_its_time(shop):
    now = timezone.now()
    job = leaving.ask_export(tenant=shop, by="the test", now=now)

    assert leaving.ask_export(tenant=shop, by="the test", now=now).pk == job.pk
    leaving.run(job_id=job.pk, now=now)
    job.refresh_from_db()
    assert (job.kind, job.state) == (JobKind.EXPORT, JobState.DONE)
    leaving.tend(now=now + timedelta(days=31))
    with tenant_context(shop):
        assert not default_storage.exists(job.payload["export"]["name"])


def confirmed(tenant, browser, at):
    """Somebody who showed at that instant who they are."""
    with tenant_context(tenant):
        session = browser.session
        session[logins.CONFIRMED] = at
        session.save()


def test_an_owner_closes_the_account_by_its_name(shop, client_of):
    with tenant_context(shop):
        owner = User.objects.get(email="dona@acme.example")
    browser = client_of(shop, user=owner)
    page = reverse("tenants:account-leave")
    confirmed(shop, browser, 0)
    assert browser.get(page).status_code == 302  # to the door that asks for the password again
    confirmed(shop, browser, timezone.now().timestamp())
    assert browser.get(reverse("tenants:account")).status_code == 200
    assert browser.get(page).status_code == 200
    assert browser.post(page, {"name": "Other"}).status_code == 422
    done = browser.post(page, {"name": "Acme", "reason": "no shop"})
    assert done.status_code == 302
    assert "/farewell/" in done["Location"]
    shop.refresh_from_db()
    assert shop.status == TenantStatus.ARCHIVED
    assert browser.get("/" + done["Location"].split("/", 3)[3]).status_code == 200


def test_only_owners_come_near(shop, client_of):
    for name in ("account", "account-address", "account-leave"):
        assert client_of(shop, role="admin").get(reverse(f"tenants:{name}")).status_code == 403

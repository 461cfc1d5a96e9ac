"""A tenant's life: which moves there are, what each leaves behind, and that deletion takes everything and nothing else."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.outbox.models import OutboxEvent
from tenants import errors
from tenants.enums import TenantStatus
from tenants.models import Domain, Tenant
from tenants.services import lifecycle, provisioning
from tenants.tests.factories import TenantFactory

MOVES = {
    "suspend": lambda tenant, now: lifecycle.suspend(tenant=tenant, reason="Unpaid", by="test", now=now),
    "resume": lambda tenant, now: lifecycle.resume(tenant=tenant, by="test", now=now),
    "archive": lambda tenant, now: lifecycle.archive(tenant=tenant, by="test", now=now),
    "restore": lambda tenant, now: lifecycle.restore(tenant=tenant, by="test", now=now),
    "delete": lambda tenant, now: lifecycle.delete(tenant=tenant, by="test", now=now),
    "open_doors": lambda tenant, now: lifecycle.open_doors(tenant=tenant, by="test", now=now),
    "purge": lambda tenant, now: lifecycle.purge(tenant=tenant, by="test", now=now),
}
S = TenantStatus
# Everything that is not here is refused, or changes nothing because the tenant is there already.
LEADS_TO = {
    (S.PROVISIONING, "open_doors"): S.ACTIVE,
    (S.PROVISIONING, "archive"): S.ARCHIVED,
    (S.PROVISIONING, "delete"): S.ARCHIVED,
    (S.ACTIVE, "suspend"): S.SUSPENDED,
    (S.ACTIVE, "archive"): S.ARCHIVED,
    (S.ACTIVE, "delete"): S.ARCHIVED,
    (S.SUSPENDED, "resume"): S.ACTIVE,
    (S.SUSPENDED, "archive"): S.ARCHIVED,
    (S.SUSPENDED, "delete"): S.ARCHIVED,
    (S.ARCHIVED, "restore"): S.ACTIVE,
    (S.ARCHIVED, "delete"): S.ARCHIVED,
}
STAYS = {
    (S.ACTIVE, "open_doors"),
    (S.ACTIVE, "resume"),
    (S.ACTIVE, "restore"),
    (S.SUSPENDED, "suspend"),
    (S.ARCHIVED, "archive"),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("before", TenantStatus)
def test_every_move_from_every_state(db, noon, before, move):
    tenant = TenantFactory(status=before)
    after = LEADS_TO.get((before, move))

    if after is None and (before, move) not in STAYS:
        with pytest.raises(errors.NotAllowedNow):
            MOVES[move](tenant, noon)
    else:
        MOVES[move](tenant, noon)

    tenant.refresh_from_db()
    assert tenant.status == (after or before)
    moved = after is not None and after != before
    assert OutboxEvent.objects.filter(name="tenants.tenant_status_changed").count() == int(moved)
    assert AuditEntry.objects.about(tenant).count() == int(after is not None)


def test_a_suspension_says_since_when_and_why(acme, noon):
    lifecycle.suspend(tenant=acme, reason="Invoice 12 is open", by="billing", now=noon)

    assert (acme.suspended_at, acme.suspend_reason) == (noon, "Invoice 12 is open")
    with schema_context("public"):
        entry = AuditEntry.objects.about(acme).get()
    assert (entry.action, entry.actor_label, entry.detail) == (
        "tenants.tenant_suspended",
        "billing",
        {"reason": "Invoice 12 is open"},
    )
    assert connection.schema_name == "t_acme"

    lifecycle.resume(tenant=acme, now=noon)
    acme.refresh_from_db()
    assert (acme.suspended_at, acme.suspend_reason) == (None, "")


def test_the_platform_has_no_such_life(platform, noon):
    with pytest.raises(errors.NotAllowedNow):
        lifecycle.suspend(tenant=platform, reason="x", now=noon)
    with pytest.raises(errors.NotAllowedNow):
        lifecycle.delete(tenant=platform, now=noon)

    assert Tenant.objects.get(pk=platform.pk).status == TenantStatus.ACTIVE


def test_deletion_waits_for_its_day_and_can_be_taken_back(db, noon):
    tenant = provisioning.create(name="Sai", slug="sai", wait=True)
    lifecycle.delete(tenant=tenant, reason="asked", now=noon)
    assert tenant.delete_after == noon + lifecycle.GRACE

    assert lifecycle.purge_due(now=noon + lifecycle.GRACE - timedelta(seconds=1)) == []
    with pytest.raises(errors.NotAllowedNow):
        lifecycle.purge(tenant=tenant, now=noon)
    lifecycle.restore(tenant=tenant, now=noon)

    assert (tenant.status, tenant.delete_after) == (TenantStatus.ACTIVE, None)
    assert lifecycle.purge_due(now=noon + timedelta(days=365)) == []


def test_deletion_takes_schema_files_and_hosts_of_this_tenant_only(acme, noon):
    with schema_context("public"):
        tenant = provisioning.create(name="Vai", slug="vai", wait=True)
        for one in (tenant, acme):
            with tenant_context(one):
                default_storage.save("a/b/c.txt", ContentFile(b"kept"))
        lifecycle.delete(tenant=tenant, now=noon)

        gone = lifecycle.purge_due(now=noon + lifecycle.GRACE)

    assert [one.slug for one in gone] == ["vai"]
    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.DELETED
    assert provisioning.schema_mark("t_vai") is None
    assert not Domain.objects.filter(tenant=tenant).exists()
    with tenant_context(tenant):
        assert not default_storage.exists("a/b/c.txt")
    assert default_storage.exists("a/b/c.txt")
    assert provisioning.schema_mark("t_acme") == f"tenant {acme.pk}"


def test_one_deletion_that_fails_does_not_keep_the_others(db, noon, monkeypatch):
    first, second = (TenantFactory(status=TenantStatus.ARCHIVED, delete_after=noon) for _ in range(2))
    real = lifecycle._delete_files

    def breaks_once():
        if connection.schema_name == first.schema_name:
            raise OSError("the bucket is away")
        real()

    monkeypatch.setattr(lifecycle, "_delete_files", breaks_once)

    gone = lifecycle.purge_due(now=noon)

    assert [one.pk for one in gone] == [second.pk]
    first.refresh_from_db()
    assert first.status == TenantStatus.ARCHIVED


def test_a_preparation_that_never_ended_cannot_be_opened_by_restoring(db, noon, monkeypatch):
    monkeypatch.setitem(provisioning._DO, "schema", lambda job: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        provisioning.create(name="Meia", slug="meia", wait=True)
    tenant = Tenant.objects.get(slug="meia")
    lifecycle.archive(tenant=tenant, now=noon)

    with pytest.raises(errors.NotAllowedNow):
        lifecycle.restore(tenant=tenant, now=noon)


def test_a_schema_name_is_for_ever(acme):
    with schema_context("public"):
        row = Tenant.objects.get(slug="acme")
        row.schema_name = "t_other"
        with pytest.raises(ValueError, match="never changes"):
            row.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Tenant.objects.filter(slug="acme").update(schema_name="t_other")

        assert Tenant.objects.get(slug="acme").schema_name == "t_acme"

"""The command line of tenants: what it prints, what it changes, what it refuses."""

import contextlib
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django_tenants.utils import schema_context

from ops.kernel.testing import FakeDNS
from tenants.enums import JobState, TenantStatus
from tenants.models import Domain, TemplateScript, Tenant
from tenants.services import provisioning
from tenants.tests.factories import ResellerFactory, TenantFactory, TenantJobFactory


def tenant(*words: str) -> str:
    out = StringIO()
    call_command("tenant", *words, stdout=out)
    return out.getvalue()


def test_create_makes_a_ready_tenant_with_its_plan(db):
    reseller = ResellerFactory(slug="rede")

    said = tenant(
        "create", "--name", "Empresa X", "--plan", "professional", "--reseller", "rede", "--domain", "chat.empresax.example",
        "--owner", "dona@empresax.example",
    )  # fmt: skip

    made = Tenant.objects.get(slug="empresa-x")
    assert (made.status, made.reseller) == (TenantStatus.ACTIVE, reseller)
    assert made.domains.get().domain == "empresa-x.localhost"
    assert made.domain_claims.get().host == "chat.empresax.example"  # answers once it is proven
    assert str(made.pk) in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "--name", "X", "--slug", "admin"), "admin"),
        (("create", "--name", "X", "--slug", "acme"), "acme"),
        (("create", "--name", "X", "--slug", "xis", "--plan", "gold"), ""),
        (("create", "--name", "X", "--slug", "xis", "--reseller", "nobody"), "nobody"),
        (("create", "--name", "X", "--slug", "xis", "--owner", "not an address"), ""),
        (("create", "--name", "X", "--slug", "xis", "--time-zone", "Mars/Base"), ""),
        (("create", "--name", "X", "--slug", "xis", "--domain", "shop.localhost"), "shop.localhost"),
        (("suspend", "--id", "nobody"), "nobody"),
        (("resume", "--id", "public"), "public"),
        (("delete", "--id", "zz_tenant_template_zz"), "zz_tenant_template_zz"),
        (("domain", "--id", "acme", "--remove", "other.example"), "other.example"),
        (("domain", "--id", "acme", "--remove", "acme.localhost"), ""),
        (("retry", "--id", "acme"), ""),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(acme, words, reason):
    connection.set_schema_to_public()
    before = list(Tenant.objects.order_by("pk").values_list("slug", "status"))
    if words[0] == "retry":
        provisioning.TenantJob.objects.filter(tenant=acme).delete()

    with pytest.raises(CommandError) as refused:
        tenant(*words)

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(Tenant.objects.order_by("pk").values_list("slug", "status")) == before


def test_list_shows_what_was_asked_for(acme, beta):
    reseller = ResellerFactory(slug="rede")
    TenantFactory(slug="gone", status=TenantStatus.DELETED)
    TenantFactory(slug="late", name="Late", status=TenantStatus.SUSPENDED, reseller=reseller)

    everyone = json.loads(tenant("list", "--json"))
    late = json.loads(tenant("list", "--filter", "suspended", "--json"))

    assert [row["slug"] for row in everyone] == ["acme", "beta", "late"]
    assert everyone[0]["hosts"] == ["acme.localhost"]
    assert [(row["slug"], row["reseller"]) for row in late] == [("late", "rede")]
    assert json.loads(tenant("list", "--reseller", "rede", "--json")) == late
    assert "beta.localhost" in tenant("list")
    assert tenant("list", "--filter", "archived") == "No tenants.\n"


def test_a_life_on_the_command_line(acme):
    assert tenant("suspend", "--id", "acme", "--reason", "Unpaid") == "acme is suspended.\n"
    assert tenant("resume", "--id", str(acme.pk)) == "acme is active.\n"
    assert tenant("archive", "--id", "t_acme") == "acme is archived.\n"
    assert tenant("restore", "--id", "acme") == "acme is active.\n"
    assert tenant("delete", "--id", "acme").startswith("acme is archived, data are deleted after ")


def test_delete_without_grace_is_at_once(db):
    provisioning.create(name="Some", slug="some", wait=True)

    assert tenant("delete", "--id", "some", "--grace-days", "0") == "some is deleted.\n"
    assert provisioning.schema_mark("t_some") is None


def test_hosts_are_looked_after(acme):
    assert (
        tenant("domain", "--id", "acme", "--vouch", "Chat.Acme.example")
        == "acme.localhost  (main)\nchat.acme.example\n"
    )
    assert (
        tenant("domain", "--id", "acme", "--primary", "chat.acme.example")
        == "chat.acme.example  (main)\nacme.localhost\n"
    )
    assert tenant("domain", "--id", "acme", "--remove", "chat.acme.example") == "acme.localhost  (main)\n"


def test_own_domains_are_claimed_and_asked_about(acme, settings):
    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        said = tenant("domain", "--id", "acme", "--add", "chat.acme.example")
        row = acme.domain_claims.get()
        proof, value = said.splitlines()[0].split("  TXT  ")
        before = tenant("domains")
        server.on(proof, "TXT", value)
        after = tenant("domains", "--id", "acme", "--check")

    assert before == "chat.acme.example  acme  waiting  proof unknown, leads here unknown, certificate not seen\n"
    assert after == "chat.acme.example  acme  verified  proof yes, leads here no, certificate not seen\n"
    row.refresh_from_db()
    assert row.domain.domain == "chat.acme.example"


def test_retry_continues(db, monkeypatch):
    real = provisioning._DO["owner"]
    monkeypatch.setitem(provisioning._DO, "owner", lambda job: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        provisioning.create(name="Meia", slug="meia", wait=True)
    monkeypatch.setitem(provisioning._DO, "owner", real)

    assert tenant("retry", "--id", "meia") == "meia is active.\n"


def doctor() -> dict[str, str]:
    out = StringIO()
    with contextlib.suppress(SystemExit):
        call_command("tenant", "doctor", "--json", stdout=out)
    return {row["about"]: row["code"] for row in json.loads(out.getvalue())}


def test_good_health_is_said(acme, beta):
    assert doctor() == {}
    assert tenant("doctor") == "All tenants are well.\n"


def test_the_doctor_finds_what_is_wrong(acme, beta):
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_orphan")
        cursor.execute("DELETE FROM t_acme.django_migrations WHERE app = 'accounts'")
    with schema_context("t_beta"):
        Permission.objects.order_by("pk").last().delete()
    lost = TenantFactory(slug="lost")
    Domain.objects.create(tenant=lost, domain="lost.localhost")
    hidden = provisioning.create(name="Hidden", slug="hidden", wait=True)
    hidden.domains.all().delete()
    TenantJobFactory(tenant__slug="broken", state=JobState.FAILED, error="disk full")
    waiting = TenantJobFactory(tenant__slug="waiting")
    type(waiting).objects.filter(pk=waiting.pk).update(updated_at=timezone.now() - timedelta(hours=1))
    late = provisioning.create(name="Late", slug="late", wait=True)
    Tenant.objects.filter(pk=late.pk).update(
        status=TenantStatus.ARCHIVED, delete_after=timezone.now() - timedelta(days=3)
    )
    TemplateScript.objects.all().delete()

    with pytest.raises(SystemExit) as ended:
        tenant("doctor")
    found = doctor()

    assert ended.value.code == 1
    assert found == {
        "t_orphan": "orphan",
        "t_acme": "behind",
        "t_beta": "references_differ",
        "t_lost": "schema_missing",
        "t_hidden": "no_host",
        "t_broken": "job_failed",
        "t_waiting": "job_stuck",
        "t_late": "deletion_overdue",
        "zz_tenant_template_zz": "script_old",
    }


def test_the_doctor_knows_the_single_tenant(db, settings):
    settings.SINGLE_TENANT = "t_gone"

    assert doctor() == {"t_gone": "single_missing"}

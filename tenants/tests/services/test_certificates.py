"""Certificates of own domains: looked at, told about before they end, and forgotten with the domain."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.alerts.enums import Severity
from ops.kernel.alerts.models import Alert
from ops.kernel.testing import FakeDNS, FakeTLS
from tenants.enums import ClaimState
from tenants.models import DomainClaim, Tenant
from tenants.queries import addresses, records
from tenants.services import certificates, claims
from tenants.tasks import check_certificate
from tenants.tests.factories import DomainClaimFactory, DomainFactory

HOST = "127.0.0.1"


@pytest.fixture
def server(tmp_path, monkeypatch):
    with FakeTLS(tmp_path) as running:
        monkeypatch.setattr(certificates, "PORT", running.port)
        monkeypatch.setattr(certificates, "PUBLIC_ONLY", False)
        monkeypatch.setattr(certificates, "ROOTS", running.roots)
        yield running


@pytest.fixture
def row(acme):
    """A proven domain of acme that leads here."""
    domain = DomainFactory(tenant=acme, domain=HOST, is_primary=False)
    return DomainClaimFactory(
        tenant=acme, host=HOST, domain=domain, state=ClaimState.VERIFIED, found={"proof": True, "points": True}
    )


def check(row, server, *, ends, **shown):
    server.show(HOST, ends=ends, **shown)
    return certificates.check(claim=row, now=timezone.now())


def active():
    rows = Alert.objects.active().filter(kind="domains.certificate").order_by("first_seen_at", "pk")
    return [(row.key, Severity(row.severity)) for row in rows]


def test_two_warnings_before_the_end_and_quiet_after_the_renewal(acme, row, server):
    seen = check(row, server, ends=timedelta(days=60))
    assert (seen.tls_problem, seen.tls_issuer, seen.tls_warned, active()) == ("", "Fake Authority", None, [])

    assert check(row, server, ends=timedelta(days=13)).tls_warned == 14
    assert active() == [(f"certificate:{HOST}", Severity.WARNING)]
    check(row, server, ends=timedelta(days=12))
    assert Alert.objects.get().count == 1  # told once
    assert check(row, server, ends=timedelta(days=2)).tls_warned == 3
    assert active() == [(f"certificate:{HOST}", Severity.ERROR)]
    assert check(row, server, ends=timedelta(days=-1)).tls_problem == "expired"
    assert active() == [(f"certificate:{HOST}", Severity.CRITICAL)]

    assert check(row, server, ends=timedelta(days=80)).tls_warned is None
    assert active() == []


def test_one_that_lives_for_days_is_not_late_all_its_life(acme, row, server):
    life = timedelta(days=6)

    assert check(row, server, ends=timedelta(days=4), life=life).tls_warned is None
    assert check(row, server, ends=timedelta(days=1), life=life).tls_warned == 14
    assert check(row, server, ends=timedelta(hours=6), life=life).tls_warned == 3


def test_one_that_browsers_refuse_is_told_at_once(acme, row, server):
    assert check(row, server, ends=timedelta(days=60), trusted=False).tls_problem == "untrusted"

    assert active() == [(f"certificate:{HOST}", Severity.CRITICAL)]
    shown = addresses.one(DomainClaim.objects.select_related("domain").get(pk=row.pk))
    assert shown.certificate_tone == "red"
    assert shown.hint == shown.certificate


def test_silence_alone_alarms_nobody_but_time_goes_on(acme, row, server):
    check(row, server, ends=timedelta(days=20))
    server.close()

    assert certificates.check(claim=row, now=timezone.now()).tls_problem == "silent"
    assert active() == []
    assert certificates.check(claim=row, now=timezone.now() + timedelta(days=10)).tls_warned == 14


def test_what_is_due_is_looked_at_once_and_what_leads_elsewhere_never(acme, beta, row, server):
    server.show(HOST, ends=timedelta(days=60))
    waiting = DomainClaimFactory(tenant=beta, host="waiting.example")
    elsewhere = DomainClaimFactory(
        tenant=beta,
        host="elsewhere.example",
        domain=DomainFactory(tenant=beta, domain="elsewhere.example", is_primary=False),
        found={"proof": True, "points": False},
    )
    now = timezone.now()

    assert certificates.check_due(now=now) == 1
    assert certificates.check_due(now=now + timedelta(hours=11)) == 0
    assert certificates.check_due(now=now + timedelta(hours=12)) == 1
    for other in (waiting, elsewhere):
        other.refresh_from_db()
        assert other.tls_checked_at is None
    with schema_context("public"):
        Tenant.objects.filter(pk=acme.pk).update(status="archived")
    assert certificates.check_due(now=now + timedelta(days=3)) == 0


def test_a_domain_that_is_let_go_warns_nobody(acme, row, server):
    check(row, server, ends=timedelta(days=2))
    assert len(active()) == 1

    claims.release(claim=row, now=timezone.now())

    with tenant_context(acme):
        assert active() == []


def test_the_owner_sees_it_on_the_page_in_the_api_and_in_the_command(acme, row, server, client_of, capsys):
    check(row, server, ends=timedelta(days=2))
    client = client_of(acme, role="owner")

    page = client.get(f"/settings/domains/{row.pk}/").content.decode()
    told = client.get(f"/api/v1/settings/domains/{row.pk}/").json()["certificate"]

    row.refresh_from_db()
    assert addresses.one(row).certificate in page
    assert (told["issuer"], told["problem"]) == ("Fake Authority", "")
    assert told["valid_until"] is not None
    server.show(HOST, ends=timedelta(days=70), trusted=False)
    call_command("tenant", "domains", "--certificates")
    assert "(untrusted)" in capsys.readouterr().out


def test_the_button_has_the_certificate_looked_at_too(acme, row, server, settings, django_capture_on_commit_callbacks):
    server.show(HOST, ends=timedelta(days=70))
    settings.EDGE_HOST, settings.EDGE_ADDRESSES = "edge.balcao.example", []

    with FakeDNS() as dns, django_capture_on_commit_callbacks() as tasks:
        settings.DNS_SERVERS = [dns.address]
        dns.on("edge.balcao.example", "A", "203.0.113.10")
        dns.on(records.proof_name(HOST), "TXT", records.proof_value(row))
        dns.on(HOST, "CNAME", "edge.balcao.example")
        claims.check_now(claim=row, now=timezone.now())
    assert len([one for one in tasks if "check_certificate" in repr(one)]) == 1
    check_certificate(claim_id=str(row.pk))
    check_certificate(claim_id=str(acme.pk))  # let go meanwhile

    row.refresh_from_db()
    assert row.tls_issuer == "Fake Authority"

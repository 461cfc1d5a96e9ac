"""E-mail domains are watched: a proof that is gone is said, and after a while no longer believed."""

from datetime import timedelta

import pytest

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import FakeDNS
from tenants.accounts.enums import DomainProof
from tenants.accounts.models import IdentityProvider
from tenants.accounts.services import email_domains
from tenants.accounts.tests.factories import EmailDomainFactory, IdentityProviderFactory


@pytest.fixture
def dns(settings):
    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        yield server


@pytest.fixture
def domain(acme):
    return EmailDomainFactory(name="acme.example")


def severities():
    return list(Alert.objects.active().values_list("severity", flat=True))


def look(domain, now):
    email_domains.check_all(now=now)
    domain.refresh_from_db()


def test_a_proof_that_is_gone_is_said_and_after_grace_not_believed(dns, domain, noon):
    name, text = email_domains.record_of(domain)
    provider = IdentityProviderFactory(enabled=True, enforced=True)
    provider.domains.add(domain)
    dns.on(name, "TXT", "v=spf1 -all", text)
    look(domain, noon)
    assert (domain.failing_since, severities()) == (None, [])

    dns.on(name, "TXT", "v=spf1 -all")
    look(domain, noon + timedelta(hours=6))
    assert (domain.is_verified, domain.failing_since, severities()) == (True, noon + timedelta(hours=6), [])
    look(domain, noon + timedelta(days=3))
    assert (domain.is_verified, len(severities())) == (True, 1)
    assert IdentityProvider.objects.enforced_for("acme.example").exists()

    look(domain, noon + timedelta(days=7, hours=6))
    assert (domain.is_verified, domain.failing_since) == (False, None)
    # Passwords open the door again: nobody is shut out by a provider that is not believed.
    assert not IdentityProvider.objects.enforced_for("acme.example").exists()
    assert AuditEntry.objects.filter(action="accounts.email_domain_lost").count() == 1
    alert = Alert.objects.active().get()
    assert (alert.kind, "acme.example" in alert.title) == ("accounts.email_domain_lost", True)

    dns.on(name, "TXT", text)
    email_domains.prove(domain_id=domain.pk, by="ana", now=noon + timedelta(days=8))
    domain.refresh_from_db()
    assert (domain.is_verified, severities()) == (True, [])


def test_a_record_that_comes_back_in_time_is_forgiven(dns, domain, noon):
    name, text = email_domains.record_of(domain)
    look(domain, noon)
    look(domain, noon + timedelta(days=3))
    assert len(severities()) == 1

    dns.on(name, "TXT", text)
    look(domain, noon + timedelta(days=6))

    assert (domain.is_verified, domain.failing_since, severities()) == (True, None, [])


def test_silence_and_a_reseller_s_word_change_nothing(dns, domain, noon):
    vouched = EmailDomainFactory(name="vouched.example", proof=DomainProof.RESELLER)
    dns.on(email_domains.record_of(domain)[0], "TXT", fails=True)

    for days in (0, 4, 9):
        assert email_domains.check_all(now=noon + timedelta(days=days)) == 0

    for row in (domain, vouched):
        row.refresh_from_db()
        assert (row.is_verified, row.failing_since) == (True, None)

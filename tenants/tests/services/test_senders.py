"""Own sender addresses: the proof in the DNS, the signature on the letter, the loss of the proof."""

from datetime import UTC, datetime, timedelta

import dkim
import pytest
from django.core import mail
from django.db import connection
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.dns import NameServerSilent
from ops.kernel.testing import FakeDNS
from tenants.enums import SenderState, TenantStatus
from tenants.errors import SenderRefused
from tenants.models import MailSender
from tenants.queries import senders as known
from tenants.services import letters, senders
from tenants.tests.factories import MailSenderFactory, ResellerFactory, TenantFactory

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESS = "contato@aurora.example"


@pytest.fixture
def dns(settings):
    with FakeDNS() as fake:
        settings.DNS_SERVERS = [fake.address]
        yield fake


def publish(dns, row, *, spf="v=spf1 include:spf.localhost ~all"):
    """Do in the DNS what the page asks for."""
    record = known.dkim_record(row)
    dns.on(record.host, "TXT", record.value)
    dns.on(row.domain, "TXT", "some-other-proof=1", spf)


def proved(owner, dns, address=ADDRESS):
    """A sender in use."""
    row = senders.ask_for(owner=owner, address=address, by=None, now=NOW)
    publish(dns, row)
    return senders.check(owner=owner, now=NOW)


def letter(tenant, **options):
    """Any letter, as it would leave."""
    with tenant_context(tenant):
        return letters.sample("accounts/welcome", to="bia@correio.example", language="pt-br", **options)


def test_letters_leave_from_ours_until_the_dns_agrees(acme, dns):
    row = senders.ask_for(owner=acme, address=" Contato@Aurora.example ", by=None, now=NOW)

    assert (row.address, row.state) == (ADDRESS, SenderState.WAITING)
    assert ADDRESS not in letter(acme).from_email
    assert senders.check(owner=acme, now=NOW).state == SenderState.WAITING
    publish(dns, row)
    assert senders.check(owner=acme, now=NOW).state == SenderState.VERIFIED
    assert letter(acme).from_email.endswith(f"<{ADDRESS}>")
    with schema_context("public"):
        told = AuditEntry.objects.filter(action__startswith="tenants.sender").order_by("at", "id")
        verbs = [entry.action for entry in told]
    assert verbs[-2:] == ["tenants.sender_asked", "tenants.sender_verified"]


def test_the_signature_holds_for_whoever_asks_the_dns(acme, dns):
    row = proved(acme, dns)
    record = known.dkim_record(row)
    sent = letter(acme)
    sent.reply_to = ["maria@aurora.example"]
    raw = sent.message().as_bytes(linesep="\r\n")

    def ask(name, timeout=5):
        return record.value.encode() if name.decode().rstrip(".") == record.host else None

    assert raw.startswith(b"DKIM-Signature: v=1;")
    assert dkim.verify(raw, dnsfunc=ask)
    assert not dkim.verify(raw.replace(b"bia@correio.example", b"eva@correio.example"), dnsfunc=ask)
    assert not dkim.verify(raw.replace(b"maria@aurora", b"mario@aurora"), dnsfunc=ask)


def test_a_letter_that_leaves_from_elsewhere_is_not_signed(acme, dns):
    proved(acme, dns)
    sent = letter(acme)
    sent.from_email = "Loja <loja@elsewhere.example>"

    assert b"DKIM-Signature" not in sent.message().as_bytes()


def test_the_mail_server_gets_it_signed(acme, dns):
    proved(acme, dns)

    letter(acme).send()

    assert mail.outbox[-1].message().as_bytes().startswith(b"DKIM-Signature")


@pytest.mark.parametrize(
    ("records", "granted"),
    [
        (["v=spf1 include:spf.localhost -all"], True),
        (["v=spf1 mx +include:SPF.localhost ?all"], True),
        (["v=spf1 include:other.example ~all"], True),
        (["v=spf1 redirect=other.example"], True),
        (["v=spf1 include:empty.example ~all"], False),
        (["v=spf1 include:loop.example ~all"], False),
        (["v=spf1 -all"], False),
        (["v=spf1 include:spf.localhost.evil.example -all"], False),
        (["v=spf10 include:spf.localhost -all"], False),
        (["v=spf1 include:spf.localhost -all", "v=spf1 mx -all"], False),
        ([], False),
    ],
)
def test_the_permission_is_read_as_receivers_read_it(acme, dns, records, granted):
    row = senders.ask_for(owner=acme, address=ADDRESS, by=None, now=NOW)
    dns.on(row.domain, "TXT", *records)
    dns.on("other.example", "TXT", "v=spf1 include:spf.localhost -all")
    dns.on("loop.example", "TXT", "v=spf1 include:loop.example include:aurora.example -all")

    assert known.lets_us_send(row) is granted


def test_somebody_elses_key_is_not_ours(acme, beta, dns):
    mine = senders.ask_for(owner=acme, address=ADDRESS, by=None, now=NOW)
    theirs = senders.ask_for(owner=beta, address=ADDRESS, by=None, now=NOW)
    publish(dns, mine)

    assert senders.check(owner=acme, now=NOW).state == SenderState.VERIFIED
    assert senders.check(owner=beta, now=NOW).state == SenderState.WAITING
    assert theirs.public_key != mine.public_key
    assert ADDRESS not in letter(beta).from_email


def test_a_lost_proof_ends_the_use_after_a_day_and_says_so(acme, dns):
    row = proved(acme, dns)
    dns.on(known.dkim_record(row).host, "TXT")

    assert senders.check(owner=acme, now=NOW + timedelta(hours=1)).state == SenderState.VERIFIED
    assert senders.check(owner=acme, now=NOW + timedelta(hours=24)).state == SenderState.VERIFIED
    assert senders.check(owner=acme, now=NOW + timedelta(hours=25)).state == SenderState.LOST
    assert ADDRESS not in letter(acme).from_email
    with tenant_context(acme):
        assert Alert.objects.active().filter(kind="tenants.sender_lost").count() == 1
    publish(dns, row)
    assert senders.check(owner=acme, now=NOW + timedelta(hours=31)).state == SenderState.VERIFIED
    with tenant_context(acme):
        assert not Alert.objects.active().filter(kind="tenants.sender_lost").exists()


@pytest.mark.parametrize("leave", ["remove", "another domain"])
def test_who_gives_a_lost_address_up_is_not_warned_for_ever(acme, dns, leave):
    row = proved(acme, dns)
    dns.on(known.dkim_record(row).host, "TXT")
    senders.check(owner=acme, now=NOW + timedelta(hours=1))
    senders.check(owner=acme, now=NOW + timedelta(hours=25))

    if leave == "remove":
        senders.remove(owner=acme, by=None, now=NOW + timedelta(hours=26))
    else:
        senders.ask_for(owner=acme, address="oi@outra.example", by=None, now=NOW + timedelta(hours=26))

    with tenant_context(acme):
        assert not Alert.objects.active().exists()


def test_a_closed_customer_keeps_nobody_from_being_looked_after(acme, dns):
    proved(acme, dns)
    gone = TenantFactory(status=TenantStatus.ARCHIVED)
    MailSenderFactory(tenant=gone, state=SenderState.VERIFIED, failing_since=NOW - timedelta(days=2))

    assert senders.check_all(now=NOW + timedelta(hours=6)) == 1


def test_the_alert_speaks_the_customers_language(acme, dns):
    with schema_context("public"):
        acme.language = "en"
        acme.save()
    row = proved(acme, dns)
    dns.on(known.dkim_record(row).host, "TXT")
    senders.check(owner=acme, now=NOW + timedelta(hours=1))
    senders.check(owner=acme, now=NOW + timedelta(hours=25))

    with tenant_context(acme):
        assert Alert.objects.active().get().title == f"Letters no longer leave from {ADDRESS}"


def test_silence_of_the_name_server_is_no_answer(acme, beta, dns):
    row = proved(acme, dns)
    proved(beta, dns, "loja@beta.example")
    dns.on(known.dkim_record(row).host, "TXT", fails=True)

    with pytest.raises(NameServerSilent):
        senders.check(owner=acme, now=NOW + timedelta(days=3))
    assert senders.check_all(now=NOW + timedelta(days=3)) == 1
    assert senders.of(acme).state == SenderState.VERIFIED


def test_a_reseller_lends_its_address_to_its_customers(acme, dns):
    reseller = ResellerFactory()
    with schema_context("public"):
        acme.reseller = reseller
        acme.save()
    proved(reseller, dns, "oi@redesul.example")

    assert letter(acme).from_email.endswith("<oi@redesul.example>")
    proved(acme, dns)
    assert letter(acme).from_email.endswith(f"<{ADDRESS}>")
    senders.remove(owner=acme, by=None, now=NOW)
    assert letter(acme).from_email.endswith("<oi@redesul.example>")


def test_the_key_stays_with_its_domain_and_goes_with_it(acme, dns):
    first = proved(acme, dns)
    same = senders.ask_for(owner=acme, address="vendas@aurora.example", by=None, now=NOW)
    other = senders.ask_for(owner=acme, address="vendas@outra.example", by=None, now=NOW)

    assert (same.selector, same.state) == (first.selector, SenderState.VERIFIED)
    assert (other.selector != first.selector, other.state) == (True, SenderState.WAITING)
    with schema_context("public"):
        assert MailSender.objects.filter(tenant=acme).count() == 1


@pytest.mark.parametrize(
    "address",
    ["", "x", "a@b", "oi@localhost", "oi@x.localhost", "olá@aurora.example", "a@b.c\x00", "padaria@gmail.com"],
)
def test_only_addresses_of_an_own_domain_are_taken(acme, address):
    with pytest.raises(SenderRefused):
        senders.ask_for(owner=acme, address=address, by=None, now=NOW)


def test_the_private_key_is_unreadable_in_the_database(acme, django_assert_num_queries):
    senders.ask_for(owner=acme, address=ADDRESS, by=None, now=NOW)

    with schema_context("public"), connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM tenants_mailsender")
        (stored,) = cursor.fetchone()
    assert "PRIVATE KEY" not in stored

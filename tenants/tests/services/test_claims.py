"""Own domains from the wish to the loss, against a name server that speaks the wire format."""

from datetime import timedelta

import pytest
from django.test import Client
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import FakeDNS
from tenants import errors
from tenants.enums import ClaimState
from tenants.models import Domain, DomainClaim
from tenants.queries import addresses, hosts, records
from tenants.services import claims, domains
from tenants.tests.factories import DomainClaimFactory, DomainFactory, ResellerFactory

HOST = "chat.loja.com.br"


@pytest.fixture
def fake_dns(settings):
    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        settings.EDGE_HOST = "edge.balcao.example"
        settings.EDGE_ADDRESSES = []
        server.on("edge.balcao.example", "A", "203.0.113.10")
        yield server


def proven(fake_dns, row, *, leads_here=True):
    """The owner's part: both records are entered."""
    fake_dns.on(records.proof_name(row.host), "TXT", records.proof_value(row))
    if leads_here:
        fake_dns.on(row.host, "CNAME", "edge.balcao.example")


def taken_away(fake_dns, row):
    fake_dns.on(records.proof_name(row.host), "TXT")
    fake_dns.on(row.host, "CNAME")


def test_a_domain_answers_only_once_its_proof_is_read(acme, ana, fake_dns, noon):
    row = claims.claim(tenant=acme, host="CHAT.Loja.com.br.", by=ana, now=noon)
    assert (row.host, row.state) == (HOST, ClaimState.WAITING)
    assert hosts.site_of(HOST) is None

    row = claims.check(claim=row, now=noon)
    assert (row.state, row.found["proof"], row.found["points"]) == (ClaimState.WAITING, False, False)
    assert hosts.site_of(HOST) is None
    assert not hosts.answering(HOST)

    proven(fake_dns, row)
    row = claims.check(claim=row, now=noon, by=ana)

    assert (row.state, row.verified_at, row.found["points"]) == (ClaimState.VERIFIED, noon, True)
    assert hosts.site_of(HOST).tenant == acme
    assert hosts.answering(HOST)
    assert AuditEntry.objects.filter(action="tenants.domain_verified").get().actor_label == ana.email
    with schema_context("public"):
        assert AuditEntry.objects.filter(action="tenants.domain_verified", object_id=str(acme.pk)).exists()


def test_the_word_of_another_claim_proves_nothing(acme, beta, fake_dns, noon):
    mine = claims.claim(tenant=acme, host=HOST, now=noon)
    theirs = claims.claim(tenant=beta, host=HOST, now=noon)  # anybody may claim; it blocks nobody
    proven(fake_dns, theirs)

    mine, theirs = claims.check(claim=mine, now=noon), claims.check(claim=theirs, now=noon)

    assert (mine.state, theirs.state) == (ClaimState.WAITING, ClaimState.VERIFIED)
    assert hosts.site_of(HOST).tenant == beta
    fake_dns.on(records.proof_name(HOST), "TXT", records.proof_value(mine), records.proof_value(theirs))
    mine = claims.check(claim=mine, now=noon)
    assert (mine.state, mine.found["taken"]) == (ClaimState.WAITING, True)
    assert hosts.site_of(HOST).tenant == beta
    with pytest.raises(errors.HostTaken):
        claims.claim(tenant=acme, host="chat2.loja.com.br", now=noon) and claims.claim(
            tenant=acme, host=domains.add(tenant=beta, host="www.shop.com.br").domain, now=noon
        )


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("com.br", errors.HostIsSuffix),
        ("blogspot.com", errors.HostIsSuffix),
        ("shop.localhost", errors.HostReserved),
        ("10.0.0.1", errors.HostMalformed),
        ("loja", errors.HostMalformed),
        ("intranet.local", errors.HostNotPublic),
        ("8.8.8.8.in-addr.arpa", errors.HostNotPublic),
    ],
)
def test_what_nobody_can_own_is_refused(acme, noon, host, error):
    with pytest.raises(error):
        claims.claim(tenant=acme, host=host, now=noon)

    assert not DomainClaim.objects.exists()


def test_a_host_is_claimed_once_by_each_and_not_without_end(acme, noon, monkeypatch):
    claims.claim(tenant=acme, host=HOST, now=noon)
    with pytest.raises(errors.HostClaimed):
        claims.claim(tenant=acme, host=HOST, now=noon)
    monkeypatch.setattr(claims, "MOST", 1)

    with pytest.raises(errors.TooManyHosts):
        claims.claim(tenant=acme, host="outra.com.br", now=noon)


def test_accents_are_spelled_as_the_dns_does(acme, noon):
    row = claims.claim(tenant=acme, host="Café.com.br", now=noon)

    assert row.host == "xn--caf-dma.com.br"
    assert addresses.one(row).shown == "café.com.br"


@pytest.mark.parametrize(
    ("host", "edge", "kinds", "names"),
    [
        ("chat.loja.com.br", [], ["TXT", "CNAME"], ["_domain-check.chat", "chat"]),
        ("loja.com.br", [], ["TXT", "ALIAS"], ["_domain-check", "@"]),
        ("loja.com.br", ["203.0.113.10", "2001:db8::1"], ["TXT", "A", "AAAA"], ["_domain-check", "@", "@"]),
        ("a.b.padaria.blog.br", [], ["TXT", "CNAME"], ["_domain-check.a.b", "a.b"]),
    ],
)
def test_the_records_suit_the_name(acme, settings, host, edge, kinds, names):
    settings.EDGE_ADDRESSES = edge
    row = DomainClaimFactory(tenant=acme, host=host)

    found = records.needed(row)

    assert [one.kind for one in found] == kinds
    assert [one.name for one in found] == names
    assert found[0].value == f"domain-check={row.token}"


def test_customers_of_a_reseller_point_to_its_own_domain(acme, platform):
    reseller = ResellerFactory()
    acme.reseller = reseller
    row = DomainClaimFactory(tenant=acme, host=HOST)
    assert records.target_of(row) == "localhost"

    domain = DomainFactory(tenant=platform, reseller=reseller, domain="app.revenda.com.br", is_primary=True)
    DomainClaimFactory(
        tenant=platform, reseller=reseller, host=domain.domain, domain=domain, state="verified", found={"points": True}
    )
    hosts.clear()

    assert records.target_of(row) == "app.revenda.com.br"


@pytest.mark.parametrize("way", ["cname", "flattened", "address"])
def test_every_way_here_counts(acme, fake_dns, settings, noon, way):
    row = claims.claim(tenant=acme, host="loja.com.br", now=noon)
    fake_dns.on("_domain-check.loja.com.br", "TXT", records.proof_value(row))
    if way == "cname":
        fake_dns.on("loja.com.br", "CNAME", "other.example")
        fake_dns.on("other.example", "CNAME", "acme.localhost")
    elif way == "flattened":
        fake_dns.on("loja.com.br", "A", "203.0.113.10")
    else:
        settings.EDGE_ADDRESSES = ["2001:db8::7"]
        fake_dns.on("loja.com.br", "AAAA", "2001:db8::7")

    assert claims.check(claim=row, now=noon).found["points"] is True


def test_a_proxy_of_the_owners_in_between_is_asked_itself(acme, fake_dns, fake_http, noon, monkeypatch):
    """As with a CDN: the DNS shows its addresses, and it hands visits on to us."""
    monkeypatch.setattr(claims, "PROBE", f"{fake_http.url}/%s")
    monkeypatch.setattr(claims, "PROBE_PUBLIC_ONLY", False)
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    proven(fake_dns, row, leads_here=False)
    fake_dns.on(HOST, "A", "198.51.100.7")
    row = claims.check(claim=row, now=noon)
    assert (row.found["points"], fake_http.requests) == (False, [])  # nothing is visited before it is proven
    ours = Client(headers={"host": HOST}).get(hosts.PROBE_PATH).content.decode()
    fake_http.on("GET", f"/{HOST}{hosts.PROBE_PATH}").reply(200, "somebody else").reply(200, ours)

    seen = [claims.check(claim=row, now=noon).found["points"] for _ in range(2)]

    assert seen == [False, True]
    assert Client(headers={"host": "nobody.example"}).get(hosts.PROBE_PATH).status_code == 404


def standing(acme, fake_dns, noon):
    """A proven domain that is the main address."""
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    proven(fake_dns, row)
    row = claims.check(claim=row, now=noon)
    claims.make_primary(claim=row, now=noon)
    return row


def test_a_lost_domain_is_told_steps_back_and_is_taken_out(acme, fake_dns, noon):
    row = standing(acme, fake_dns, noon)
    assert domains.host_of(acme) == HOST
    taken_away(fake_dns, row)

    for count in (1, 2):
        row = claims.check(claim=row, now=noon + timedelta(minutes=15 * count))
        assert (row.state, row.failures) == (ClaimState.VERIFIED, count)
    assert domains.host_of(acme) == HOST
    row = claims.check(claim=row, now=noon + timedelta(minutes=45))

    assert (row.state, row.was_primary) == (ClaimState.FAILING, True)
    assert domains.host_of(acme) == "acme.localhost"
    assert HOST in Alert.objects.active().get(key=f"domain:{HOST}").title
    assert hosts.site_of(HOST).tenant == acme  # still answers for those who come

    row = claims.check(claim=row, now=noon + timedelta(minutes=15) + claims.GRACE)

    assert (row.state, row.next_check_at) == (ClaimState.LOST, None)
    assert hosts.site_of(HOST) is None
    assert not Domain.objects.filter(domain=HOST).exists()
    assert Alert.objects.active().get(key=f"domain:{HOST}").severity > 30


def test_a_domain_that_comes_back_is_the_main_one_again(acme, fake_dns, noon):
    row = standing(acme, fake_dns, noon)
    taken_away(fake_dns, row)
    for _ in range(claims.FAILS):
        row = claims.check(claim=row, now=noon + timedelta(hours=1))
    assert row.state == ClaimState.FAILING
    proven(fake_dns, row)

    row = claims.check(claim=row, now=noon + timedelta(hours=2))

    assert (row.state, row.failures, row.failing_since) == (ClaimState.VERIFIED, 0, None)
    assert domains.host_of(acme) == HOST
    assert not Alert.objects.active().exists()


def test_a_silent_name_server_counts_neither_way(acme, fake_dns, noon):
    row = standing(acme, fake_dns, noon)
    fake_dns.on(records.proof_name(HOST), "TXT", fails=True)

    for _ in range(claims.FAILS + 1):
        row = claims.check(claim=row, now=noon + timedelta(days=9))

    assert (row.state, row.failures, row.found["proof"]) == (ClaimState.VERIFIED, 0, None)
    assert row.found["trouble"]


def test_a_domain_that_never_led_here_is_no_loss_but_cannot_be_the_main_one(acme, fake_dns, noon):
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    proven(fake_dns, row, leads_here=False)
    row = claims.check(claim=row, now=noon)

    row = claims.check(claim=row, now=noon + timedelta(days=30))

    assert (row.state, row.failures, addresses.one(row).state) == (ClaimState.VERIFIED, 0, "idle")
    with pytest.raises(errors.HostNotReady):
        claims.make_primary(claim=row, now=noon)
    assert domains.host_of(acme) == "acme.localhost"


def test_what_is_due_is_looked_at_once(acme, fake_dns, noon):
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    later = claims.claim(tenant=acme, host="outra.com.br", now=noon + timedelta(days=1))
    proven(fake_dns, row)
    assert claims.check_due(now=noon) == {}

    found = claims.check_due(now=noon + claims.EAGER)

    assert found == {"verified": 1}
    assert claims.check_due(now=noon + claims.EAGER) == {}
    later.refresh_from_db()
    assert later.checked_at is None


def test_a_claim_nobody_proves_is_asked_about_ever_less(acme, fake_dns, noon):
    row = claims.claim(tenant=acme, host=HOST, now=noon)
    DomainClaim.objects.update(created_at=noon)
    steps = []

    for after in (timedelta(0), timedelta(days=1), timedelta(days=20)):
        row = claims.check(claim=row, now=noon + after)
        steps.append(row.next_check_at and row.next_check_at - noon - after)

    assert steps == [claims.EAGER, claims.PATIENT, None]


def test_letting_go_stops_it_at_once(acme, fake_dns, noon):
    row = standing(acme, fake_dns, noon)

    claims.release(claim=row, now=noon)

    assert hosts.site_of(HOST) is None
    assert not DomainClaim.objects.exists()
    assert domains.host_of(acme) == "acme.localhost"


def test_nobody_finds_the_claim_of_another(acme, beta, noon):
    theirs = claims.claim(tenant=beta, host=HOST, now=noon)

    with pytest.raises(errors.UnknownHost):
        claims.find(tenant=acme, claim_id=theirs.pk)
    assert addresses.of(acme)[0].host == "acme.localhost"
    assert len(addresses.of(acme)) == 1


def test_a_reseller_proves_a_domain_for_its_console(acme, platform, fake_dns, noon):
    reseller = ResellerFactory()
    domains.open_console(reseller=reseller)
    row = claims.claim(tenant=platform, reseller=reseller, host="app.revenda.com.br", now=noon)
    proven(fake_dns, row)

    claims.check(claim=row, now=noon)

    site = hosts.site_of("app.revenda.com.br")
    assert (site.reseller, site.tenant.is_public) == (reseller, True)
    assert site.siblings == {"app.revenda.com.br", domains.host_below_platform(reseller.slug)}
    with tenant_context(acme):
        assert not AuditEntry.objects.filter(action="tenants.domain_verified").exists()

"""Which tenant a host belongs to, and how soon a change is known."""

import pytest
from django.db import connection
from django_tenants.utils import schema_context

from ops.kernel.redis import client
from tenants.models import Domain, Tenant
from tenants.queries import hosts
from tenants.tests.factories import DomainFactory, ResellerFactory


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("acme.localhost", "acme.localhost"),
        ("ACME.localhost:8000", "acme.localhost"),
        ("acme.localhost.", "acme.localhost"),
        ("acme.localhost.:80", "acme.localhost"),
        ("www.acme.localhost", "acme.localhost"),
        ("  acme.localhost ", "acme.localhost"),
        ("padaria-são.example", "xn--padaria-so-n5a.example"),
        ("PADARIA-SÃO.example", "xn--padaria-so-n5a.example"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("", None),
        (".", None),
        ("..", None),
        ("a..b", None),
        ("-a.example", None),
        ("a_b.example", None),
        ("acme.localhost:port", None),
        ("acme.localhost:8000:1", None),
        ("acme.localhost/../x", None),
        ("user@acme.localhost", None),
        ("acme.localhost\x00", None),
        ("acme.localhost\r\nX: y", None),
        ("[::1", None),
        ("[nonsense]", None),
        ("a" * 64 + ".example", None),
        ("a." * 200 + "example", None),
        ("٣.example:٨٠", None),
        ("\ud800.example", None),
        ("x" * 100_000, None),
    ],
)
def test_a_host_is_read_one_way(raw, host):
    assert hosts.normalise(raw) == host


def test_a_host_is_asked_once(acme, django_assert_num_queries):
    connection.set_schema_to_public()
    hosts.clear()
    assert hosts.site_of("acme.localhost").tenant.pk == acme.pk

    with django_assert_num_queries(0):
        assert hosts.site_of("acme.localhost").tenant.pk == acme.pk


def test_an_unknown_host_is_remembered_too(db, django_assert_num_queries):
    assert hosts.site_of("nobody.localhost") is None

    with django_assert_num_queries(0):
        assert hosts.site_of("nobody.localhost") is None


def test_strangers_cannot_fill_the_memory(db, monkeypatch):
    monkeypatch.setattr(hosts, "MAX_HOSTS", 10)
    for number in range(50):
        hosts.site_of(f"nobody{number}.localhost")

    assert len(hosts._known) <= 10


def test_what_one_request_does_to_its_tenant_is_not_seen_by_the_next(acme):
    first = hosts.site_of("acme.localhost").tenant
    first.name = "Spoiled"

    assert hosts.site_of("acme.localhost").tenant.name == "Acme"


def test_a_change_elsewhere_is_known_when_the_number_moves(acme, monkeypatch):
    with schema_context("public"):
        assert hosts.site_of("acme.localhost").tenant.name == "Acme"
        Tenant.objects.filter(pk=acme.pk).update(name="Acme & Filhos")
        assert hosts.site_of("acme.localhost").tenant.name == "Acme"

        client().incr(hosts.VERSION_KEY)  # another process called forget()
        monkeypatch.setattr(hosts, "LOOK_EVERY_S", 0)

        assert hosts.site_of("acme.localhost").tenant.name == "Acme & Filhos"


def test_forgetting_tells_the_others_after_the_commit(db, django_capture_on_commit_callbacks):
    before = int(client().get(hosts.VERSION_KEY) or 0)
    with django_capture_on_commit_callbacks(execute=True):
        hosts.forget()
        assert int(client().get(hosts.VERSION_KEY) or 0) == before

    assert int(client().get(hosts.VERSION_KEY)) == before + 1


def test_without_redis_hosts_are_still_found(acme, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    hosts.clear()

    assert hosts.site_of("acme.localhost").tenant.pk == acme.pk
    hosts.forget()


def test_a_resellers_host_is_the_platform_with_its_name(platform):
    reseller = ResellerFactory()
    DomainFactory(tenant=platform, reseller=reseller, domain="rede.localhost", is_primary=False)

    site = hosts.site_of("rede.localhost")

    assert (site.tenant.schema_name, site.reseller) == ("public", reseller)
    assert Domain.objects.get(domain="localhost").is_primary


def test_with_a_single_tenant_every_host_is_its_own(acme, settings):
    settings.SINGLE_TENANT = "t_acme"
    hosts.clear()

    assert {hosts.site_of(host).tenant.schema_name for host in ("localhost", "beta.localhost", "10.0.0.7")} == {
        "t_acme"
    }


def test_a_single_tenant_that_is_missing_answers_nowhere(db, settings):
    settings.SINGLE_TENANT = "t_gone"
    hosts.clear()

    assert hosts.site_of("localhost") is None


def test_what_is_at_hand_is_known_without_asking(acme, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(hosts, "LOOK_EVERY_S", 1e9)
    assert hosts.site_at_hand("acme.localhost") is None
    hosts.site_of("acme.localhost")

    with django_assert_num_queries(0):
        assert hosts.site_at_hand("acme.localhost").tenant == acme
    assert hosts.site_at_hand("other.localhost") is None
    hosts.clear()
    assert hosts.site_at_hand("acme.localhost") is None

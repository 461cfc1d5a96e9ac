"""Hosts of tenants and resellers: who may have which, and which one is the main one."""

import pytest
from django.db import IntegrityError, transaction

from tenants import errors
from tenants.models import Domain
from tenants.queries import hosts
from tenants.services import domains
from tenants.tests.factories import DomainFactory, ResellerFactory


def test_a_customers_own_host_answers_at_once_and_can_be_the_main_one(acme):
    assert hosts.site_of("chat.acme.example") is None

    row = domains.add(tenant=acme, host="Chat.ACME.example.", by="test")

    assert hosts.site_of("chat.acme.example").tenant.pk == acme.pk
    assert domains.url_of(acme, "/login/").startswith("http://acme.localhost")
    domains.make_primary(domain=row)
    assert domains.url_of(acme, "/login/").startswith("http://chat.acme.example")
    assert Domain.objects.filter(tenant=acme, is_primary=True).count() == 1


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("", errors.HostMalformed),
        ("localhost", errors.HostMalformed),
        ("acme", errors.HostMalformed),
        ("10.0.0.1", errors.HostMalformed),
        ("[::1]", errors.HostMalformed),
        ("a b.example", errors.HostMalformed),
        ("http://a.example/", errors.HostMalformed),
        ("-a.example", errors.HostMalformed),
        ("a.123", errors.HostMalformed),
        ("shop.localhost", errors.HostReserved),
        ("beta.localhost", errors.HostReserved),
    ],
)
def test_a_host_that_cannot_be_is_refused(acme, host, error):
    with pytest.raises(error):
        domains.add(tenant=acme, host=host)

    assert Domain.objects.filter(tenant=acme).count() == 1


def test_a_host_answers_for_one_only(acme, beta):
    domains.add(tenant=beta, host="shop.example")

    with pytest.raises(errors.HostTaken):
        domains.add(tenant=acme, host="www.SHOP.example")


def test_the_last_host_stays_and_another_takes_the_main_place(acme):
    first = Domain.objects.get(tenant=acme)
    with pytest.raises(errors.LastHost):
        domains.remove(domain=first)
    second = domains.add(tenant=acme, host="shop.example")

    domains.remove(domain=first)

    second.refresh_from_db()
    assert second.is_primary
    assert hosts.site_of("acme.localhost") is None


def test_resellers_have_main_hosts_of_their_own(platform):
    first, second = ResellerFactory(slug="rede"), ResellerFactory(slug="outra")
    for reseller in (first, second):
        domains.open_console(reseller=reseller)
        domains.open_console(reseller=reseller)  # twice is once

    assert Domain.objects.filter(tenant=platform).count() == 3
    assert domains.url_of_reseller(first, "/admin/").startswith("http://rede.localhost")
    assert domains.host_of(platform) == "localhost"
    with pytest.raises(errors.HostTaken):
        domains.open_console(reseller=ResellerFactory(slug="acme"))


def test_the_database_keeps_hosts_plain(acme):
    for bad in ("Shop.example", "shop example", "shop.example:80", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            DomainFactory(tenant=acme, domain=bad)

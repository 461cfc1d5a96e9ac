"""Names, asked of a name server on the loopback that speaks the real protocol."""

import pytest

from ops.kernel import dns
from ops.kernel.testing import FakeDNS


@pytest.fixture
def name_server(settings):
    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        yield server


def test_texts_come_whole_and_without_quotes(name_server):
    name_server.on("_sso.acme.example", "TXT", "sso-proof=" + "a" * 300, "another")

    assert dns.texts("_sso.acme.example") == ["another", "sso-proof=" + "a" * 300]


def test_a_name_without_records_has_none(name_server):
    assert dns.texts("nobody.example") == []
    assert dns.texts("a" * 70 + ".example") == []


def test_an_alias_is_told_in_small_letters_without_its_last_dot(name_server):
    name_server.on("www.acme.example", "CNAME", "Acme.Balcao.Example.")

    assert dns.lookup("www.acme.example", "CNAME") == ["acme.balcao.example"]


def test_a_failing_name_server_is_no_answer(name_server):
    name_server.on("acme.example", "TXT", fails=True)

    with pytest.raises(dns.NameServerSilent):
        dns.texts("acme.example")

"""Certificates as a browser sees them, against a server with certificates of its own making."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.kernel import tls
from ops.kernel.http import AddressRefused
from ops.kernel.testing import FakeTLS


@pytest.fixture
def server(tmp_path):
    with FakeTLS(tmp_path) as running:
        yield running


def look(server):
    return tls.look("localhost", port=server.port, public_only=False, roots=server.roots)


def test_a_good_one_is_read(server):
    server.show("localhost", ends=timedelta(days=60))

    seen = look(server)

    assert (seen.refused, seen.issuer) == ("", "Fake Authority")
    assert timedelta(days=59) < seen.valid_until - datetime.now(UTC) < timedelta(days=61)
    assert seen.valid_until - seen.valid_from == timedelta(days=90)


@pytest.mark.parametrize(
    ("shown", "refused"),
    [
        ({"ends": timedelta(days=-1)}, "expired"),
        ({"ends": timedelta(days=60), "trusted": False}, "untrusted"),
        ({"ends": timedelta(days=60), "name": "other.example"}, "other_name"),
    ],
    ids=["expired", "untrusted", "other name"],
)
def test_one_that_browsers_refuse_is_read_all_the_same(server, shown, refused):
    server.show(shown.pop("name", "localhost"), **shown)

    seen = look(server)

    assert seen.refused == refused
    assert seen.valid_until.tzinfo is not None


def test_a_host_inside_our_own_network_is_never_visited(server):
    server.show("localhost", ends=timedelta(days=60))

    with pytest.raises(AddressRefused):
        tls.look("localhost", port=server.port, roots=server.roots)


def test_silence_is_no_certificate(server):
    server.close()

    with pytest.raises(tls.HostSilent):
        look(server)

"""Asking STUN and TURN servers, against one on loopback that speaks the wire format and checks the signature."""

import base64
import hashlib
import hmac
import socketserver
import struct
import threading

import pytest

from chat.providers import relay
from chat.services import ice
from ops.kernel.configuration import services as configuration
from ops.kernel.http import AddressRefused

SECRET, REALM, NONCE = "coturn-secret", b"balcao", b"n0nce"


def attributes_of(data):
    found, at = {}, 20
    while at + 4 <= len(data):
        name, size = struct.unpack("!HH", data[at : at + 4])
        found[name] = (data[at + 4 : at + 4 + size], at)
        at += 4 + size + (-size % 4)
    return found


def packed(kind, request, *attributes):
    body = b"".join(
        struct.pack("!HH", name, len(value)) + value + b"\0" * (-len(value) % 4) for name, value in attributes
    )
    return struct.pack("!HH", kind, len(body)) + request[4:20] + body


def is_signed(data, found):
    """As coturn's use-auth-secret does it: the password is made from the name."""
    user = found[relay.USERNAME][0]
    password = base64.b64encode(hmac.new(SECRET.encode(), user, hashlib.sha1).digest())
    key = hashlib.md5(user + b":" + REALM + b":" + password).digest()
    sent, at = found[relay.INTEGRITY]
    return hmac.compare_digest(sent, hmac.new(key, data[:at], hashlib.sha1).digest())


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, line = self.request
        kind = struct.unpack("!H", data[:2])[0]
        found = attributes_of(data)
        if kind == relay.BINDING:
            answer = packed(0x0101, data)
        elif relay.INTEGRITY not in found or not is_signed(data, found):
            refusal = (relay.ERROR, b"\0\0\x04\x01Unauthorized")
            answer = packed(0x0113, data, refusal, (relay.REALM, REALM), (relay.NONCE, NONCE))
        else:
            answer = packed(0x0103, data)
        line.sendto(answer, self.client_address)


@pytest.fixture
def server():
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads = True
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"127.0.0.1:{made.server_address[1]}"
        made.shutdown()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("stun:stun.example", relay.Place("stun.example", 3478, False, False)),
        ("turn:turn.example:3479?transport=tcp", relay.Place("turn.example", 3479, True, True)),
        ("turn:[2001:db8::1]:3478", relay.Place("2001:db8::1", 3478, True, False)),
        ("turns:turn.example:5349", None),
    ],
)
def test_addresses_are_read(url, place):
    assert relay.place_of(url) == place


def test_the_secret_is_tried_by_taking_a_place_on_the_relay(acme, ana, server, noon):
    given = {"stun_urls": [f"stun:{server}"], "turn_urls": [f"turn:{server}"], "turn_secret": SECRET}
    configuration.set(ice.SETTING, given, by=ana, now=noon)
    good = ice.check(configuration.get(ice.SETTING))

    configuration.set(ice.SETTING, {"turn_secret": "another"}, by=ana, now=noon)
    bad = ice.check(configuration.get(ice.SETTING))

    assert (good.ok, good.is_refused) == (True, False)
    assert (bad.ok, bad.is_refused) == (False, True)
    assert "401 Unauthorized" in str(bad.words)


def test_nobody_there_is_no_refusal(acme, ana, noon, monkeypatch):
    monkeypatch.setattr(relay, "TIMEOUT_S", 0.2)
    configuration.set(ice.SETTING, {"turn_urls": ["turn:127.0.0.1:9"], "turn_secret": "x"}, by=ana, now=noon)

    tested = ice.check(configuration.get(ice.SETTING))

    assert (tested.ok, tested.is_refused) == (False, False)


def test_a_typed_address_does_not_lead_into_our_own_network(server):
    with pytest.raises(AddressRefused):
        relay.ask(relay.place_of(f"stun:{server}"), public_only=True)

"""Whether a STUN or TURN server answers (RFC 8489, RFC 8656): one question over UDP or TCP, and for a relay one more with
the credentials.
"""

import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass

from ops.kernel import http
from ops.kernel.errors import PermanentFailure, TemporaryFailure

TIMEOUT_S = 3.0
COOKIE = 0x2112A442
BINDING, ALLOCATE = 0x0001, 0x0003
USERNAME, INTEGRITY, ERROR, REALM, NONCE, TRANSPORT = 0x0006, 0x0008, 0x0009, 0x0014, 0x0015, 0x0019
UDP = 17


class Silent(TemporaryFailure):
    """No answer, or none that is STUN."""

    code = "relay_silent"


class Refused(PermanentFailure):
    """The relay does not take the credentials."""

    code = "relay_refused"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of the addresses leads."""

    host: str
    port: int
    relays: bool
    over_tcp: bool


def place_of(url: str) -> Place | None:
    """The place of `turn:host:port?transport=udp`; nothing for TLS, which this does not speak."""
    scheme, _colon, rest = url.partition(":")
    if scheme not in {"stun", "turn"}:
        return None
    rest, _mark, query = rest.partition("?")
    host, _colon, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not host:
        host, port = rest, ""
    return Place(host.strip("[]"), int(port) if port.isdigit() else 3478, scheme == "turn", "transport=tcp" in query)


def ask(place: Place, *, user: str = "", password: str = "", public_only: bool = True) -> None:
    """Be answered, and with a user be given a place on the relay for a moment. Raises `Silent`, `Refused`."""
    address = http.public_address(place.host, place.port) if public_only else place.host
    kind = socket.SOCK_STREAM if place.over_tcp else socket.SOCK_DGRAM
    try:
        family = socket.getaddrinfo(address, place.port, type=kind)[0]
        with socket.socket(family[0], kind) as line:
            line.settimeout(TIMEOUT_S)
            line.connect(family[4])
            _converse(line, place, user, password)
    except OSError as error:
        raise Silent(words=f"{place.host}: {error}") from error


def _converse(line: socket.socket, place: Place, user: str, password: str) -> None:
    if not place.relays:
        _answer(line, _message(BINDING, []), place)
        return
    wanted = (TRANSPORT, struct.pack("!B3x", UDP))
    kind, found = _answer(line, _message(ALLOCATE, [wanted]), place)
    if kind == ALLOCATE | 0x0100:
        return  # a relay that asks nobody's name
    realm, nonce = found.get(REALM, b""), found.get(NONCE, b"")
    if not realm or not nonce:
        raise Refused(words=_reason(found))
    key = hashlib.md5(f"{user}:{realm.decode()}:{password}".encode(), usedforsecurity=False).digest()
    signed = [wanted, (USERNAME, user.encode()), (REALM, realm), (NONCE, nonce)]
    kind, found = _answer(line, _message(ALLOCATE, signed, key=key), place)
    if kind != ALLOCATE | 0x0100:
        raise Refused(words=_reason(found))


def _message(kind: int, attributes: list[tuple[int, bytes]], *, key: bytes = b"") -> bytes:
    body = b"".join(
        struct.pack("!HH", name, len(value)) + value + b"\0" * (-len(value) % 4) for name, value in attributes
    )
    size = len(body) + (24 if key else 0)
    message = struct.pack("!HHI", kind, size, COOKIE) + secrets.token_bytes(12) + body
    if key:
        message += struct.pack("!HH", INTEGRITY, 20) + hmac.new(key, message, hashlib.sha1).digest()
    return message


def _answer(line: socket.socket, message: bytes, place: Place) -> tuple[int, dict[int, bytes]]:
    line.sendall(message)
    data = line.recv(2048)
    if len(data) < 20 or data[4:20] != message[4:20]:
        raise Silent(words=f"{place.host}: no STUN")
    kind, size = struct.unpack("!HH", data[:4])
    found, at = {}, 20
    while at + 4 <= min(len(data), 20 + size):
        name, length = struct.unpack("!HH", data[at : at + 4])
        found[name] = data[at + 4 : at + 4 + length]
        at += 4 + length + (-length % 4)
    return kind, found


def _reason(found: dict[int, bytes]) -> str:
    told = found.get(ERROR, b"")
    if len(told) < 4:
        return ""
    return f"{told[2] * 100 + told[3]} {told[4:].decode('utf-8', 'replace')}".strip()

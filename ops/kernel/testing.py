"""Help for tests: the outside world over a real socket, sockets of our own, and a counter of queries."""

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from channels.testing import WebsocketCommunicator
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

# How long a test waits for what comes later, at most: machines may be slow or busy, and what goes well never waits.
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Received:
    """A request that reached the pretended service."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        """The body as a form."""
        return parse_qs(self.body.decode())


@dataclass(slots=True)
class Expectation:
    """What one address answers: its replies in turn, the last one for ever after."""

    method: str
    path: str
    replies: list[dict[str, Any]] = field(default_factory=list)
    served: int = 0

    def reply(
        self, status: int = 200, body: Any = None, *, headers: dict[str, str] | None = None, delay_s: float = 0
    ) -> Self:
        """Add a reply; anything but bytes and text is sent as JSON."""
        self.replies.append({"status": status, "body": body, "headers": headers or {}, "delay_s": delay_s})
        return self

    def drop(self) -> Self:
        """Add a closed connection without an answer."""
        self.replies.append({"drop": True})
        return self

    def next(self) -> dict[str, Any]:
        """The reply whose turn it is."""
        found = self.replies[min(self.served, len(self.replies) - 1)] if self.replies else {"status": 200, "body": None}
        self.served += 1
        return found


class FakeHTTP:
    """A pretended outside service on loopback.

    fake_http.on("POST", "/v1/send").reply(429, {"detail": "slow down"}).reply(200, {"id": "1"})
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: list[Expectation] = []
        self.requests: list[Received] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Base address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, method: str, path: str) -> Expectation:
        """Expect requests of a method at a path (a star at the end matches any rest); a later one wins."""
        expectation = Expectation(method.upper(), path)
        with self._lock:
            self._expected.insert(0, expectation)
        return expectation

    def reset(self) -> None:
        """Forget expectations and requests."""
        with self._lock:
            self._expected.clear()
            self.requests.clear()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _answer(self, received: Received) -> dict[str, Any]:
        with self._lock:
            self.requests.append(received)
            for expectation in self._expected:
                if expectation.method == received.method and _matches(expectation.path, received.path):
                    return expectation.next()
        return {
            "status": 404,
            "body": {"error": f"nothing expected at {received.method} {received.path}"},
            "headers": {},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                split = urlsplit(self.path)
                reply = service._answer(
                    Received(
                        method=self.command,
                        path=split.path,
                        query=parse_qs(split.query, keep_blank_values=True),
                        headers=dict(self.headers.items()),
                        body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                    )
                )
                if reply.get("drop"):
                    self.close_connection = True
                    self.connection.close()
                    return
                time.sleep(reply.get("delay_s", 0))
                body, content_type = _encode(reply["body"])
                headers = {"Content-Type": content_type, **reply.get("headers", {}), "Content-Length": str(len(body))}
                try:
                    self.send_response(reply["status"])
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    # The caller gave up first, which is what a test of time-outs wants.
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

            def log_message(self, *args: Any) -> None:
                """Quiet: the test reads `requests`."""

        return Handler


def _matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _encode(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "application/octet-stream"
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body).encode(), "application/json"


def communicator(
    path: str, *, host: str, headers: dict[str, str] | None = None, subprotocols: list[str] | None = None
) -> WebsocketCommunicator:
    """A socket to our own application, as a browser on `host` would open it."""
    sent = [(b"host", host.encode()), (b"origin", f"http://{host}".encode())]
    for name, value in (headers or {}).items():
        sent = [pair for pair in sent if pair[0] != name.lower().encode()]
        sent.append((name.lower().encode(), value.encode()))
    return WebsocketCommunicator(
        import_string(settings.ASGI_APPLICATION), path, headers=sent, subprotocols=subprotocols
    )


@contextmanager
def count_queries() -> Iterator[CaptureQueriesContext]:
    """Count the queries of a block, without the switches of the search path: `len(queries)`."""
    with CaptureQueriesContext(connection) as captured:
        yield captured


class FakeDNS:
    """A name server on loopback that knows what the test tells it; every other name does not exist.

    fake.on("_sso.acme.example", "TXT", "sso-proof=1")
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[str] | None] = {}
        service = self

        class Handler(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                self.wfile.write(service._answer(self.rfile.read()))

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """For `settings.DNS_SERVERS`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def on(self, name: str, kind: str, *records: str, fails: bool = False) -> None:
        """Records of a kind at a name, or a server that cannot say."""
        self._known[(name.lower().rstrip("."), kind)] = None if fails else list(records)

    def _answer(self, wire: bytes) -> bytes:
        asked = dns.message.from_wire(wire)
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.AA | dns.flags.RA
        for _hop in range(8):
            known = self._known.get((name, kind), [])
            if known is None:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif known:
                answer.answer.append(_records(name, kind, known))
            elif aliases := self._known.get((name, "CNAME")):
                answer.answer.append(_records(name, "CNAME", aliases))
                name = aliases[0].lower().rstrip(".")
                continue
            elif not any(one == name for one, _kind in self._known):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            break
        return answer.to_wire()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _records(name: str, kind: str, texts: list[str]) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(dns.name.from_text(name), 60, [_record(kind, one) for one in texts])


def _record(kind: str, text: str) -> Any:
    if kind == "TXT":
        text = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
    elif kind == "CNAME":
        text = text.rstrip(".") + "."
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)


class FakeTLS:
    """A host with a certificate on loopback, as a visitor's browser meets it.

    `roots` is the file of the authority that signed it. `show(...)` puts another certificate in place.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.roots = str(folder / "roots.pem")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fake Authority")])
        authority = self._signed(
            self._name, timedelta(days=-400), timedelta(days=400), x509.BasicConstraints(ca=True, path_length=0)
        )
        Path(self.roots).write_bytes(authority.public_bytes(Encoding.PEM))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def show(self, *names: str, ends: timedelta, life: timedelta = timedelta(days=90), trusted: bool = True) -> None:
        """Show a certificate for these names (or addresses) that ends so far from now; untrusted, it signs itself."""
        found = [_general(name) for name in names]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        made = self._signed(subject, ends - life, ends, x509.SubjectAlternativeName(found), by_itself=not trusted)
        chain = self.folder / "shown.pem"
        private = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(made.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._context = context

    def _signed(
        self,
        subject: x509.Name,
        begins: timedelta,
        ends: timedelta,
        extension: x509.ExtensionType,
        *,
        by_itself: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if by_itself else self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )

    def _serve(self) -> None:
        while True:
            try:
                plain, _address = self._listening.accept()
            except OSError:
                return  # closed
            with plain, suppress(OSError):
                plain.settimeout(5)
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(1)

    def close(self) -> None:
        """Nobody answers any more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)

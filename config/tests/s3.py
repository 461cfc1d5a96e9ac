"""A pretended S3 on the loopback: objects by path-style addresses, parts of them, and requests signed by the right key.

Only what `TenantS3Storage` asks for: PUT (also in signed pieces), GET with `Range`, HEAD, DELETE, a list.
"""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/[^/]+/s3/aws4_request, SignedHeaders=")


class FakeS3:
    """Start it with `with`; `objects` maps "bucket/key" to bytes, `requests` lists method and path."""

    def __init__(self, *, key: str = "AKID") -> None:
        self.key = key
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                """Quiet."""

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
                    body = _joined(body)
                self.answer(lambda path: fake.objects.update({path: body}), 200)

            def do_GET(self) -> None:
                if "list-type" in parse_qs(urlsplit(self.path).query):
                    self.answer(lambda path: None, 200, _listed(fake, self.path))
                    return
                self.fetch(send=True)

            def do_HEAD(self) -> None:
                self.fetch(send=False)

            def do_DELETE(self) -> None:
                self.answer(lambda path: fake.objects.pop(path, None), 204)

            def fetch(self, *, send: bool) -> None:
                path = unquote(urlsplit(self.path).path).lstrip("/")
                body = fake.objects.get(path)
                if body is None:
                    self.answer(lambda path: None, 404, b"<Error><Code>NoSuchKey</Code></Error>" if send else b"")
                    return
                status, wanted = 200, re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                if wanted:
                    status, body = 206, body[int(wanted[1]) : int(wanted[2]) + 1]
                self.answer(lambda path: None, status, body, send=send)

            def answer(self, act: Any, status: int, body: bytes = b"", *, send: bool = True) -> None:
                path = unquote(urlsplit(self.path).path).lstrip("/")
                fake.requests.append(f"{self.command} {path}")
                signed = SIGNED.match(self.headers.get("Authorization", ""))
                if signed is None or signed["key"] != fake.key:
                    status, body = 403, b"<Error><Code>AccessDenied</Code></Error>"
                else:
                    act(path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", '"etag"')
                self.send_header("Last-Modified", "Fri, 20 Nov 2026 12:00:00 GMT")
                self.end_headers()
                if send and self.command != "HEAD":
                    self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _joined(body: bytes) -> bytes:
    """A body in signed pieces: length in hexadecimal and extensions, the bytes, …, a length of zero, trailers."""
    joined = b""
    while True:
        head, _, body = body.partition(b"\r\n")
        length = int(head.split(b";")[0], 16)
        if not length:
            return joined
        joined, body = joined + body[:length], body[length + 2 :]


def _listed(fake: FakeS3, address: str) -> bytes:
    bucket = urlsplit(address).path.strip("/")
    prefix = parse_qs(urlsplit(address).query).get("prefix", [""])[0]
    keys = [path.removeprefix(f"{bucket}/") for path in fake.objects if path.startswith(f"{bucket}/{prefix}")]
    rows = "".join(f"<Contents><Key>{escape(key)}</Key><Size>1</Size></Contents>" for key in sorted(keys))
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()

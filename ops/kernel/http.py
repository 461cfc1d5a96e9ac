"""The one way out over HTTP: a time limit on every call, retries only where they are safe, no secrets in logs.

    telegram = http.client(settings.BASE_URLS["telegram"], timeout=10, secret_headers={"X-Key"})
    answer = telegram.post("/sendMessage", json={...}, idempotency_key=str(delivery.pk))

A failure is `TemporaryFailure` (try later) or `PermanentFailure` (it will refuse again), with the service's own words.
"""

import ipaddress
import logging
import random
import socket
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.utils import timezone

from ops.kernel import context, errors
from ops.kernel.redaction import redact_text

log = logging.getLogger(__name__)

# Answers after which the same request may succeed.
TEMPORARY = {408, 423, 425, 429, 500, 502, 503, 504}
# Methods that may be repeated without being asked (RFC 9110, 9.2.2).
SAFE_TO_REPEAT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
MAX_ANSWER_BYTES = 20 * 1024 * 1024
WORDS_KEPT = 2000


class ServiceUnavailable(errors.TemporaryFailure):
    """The service did not answer, or answered that it cannot now. `status` is 0 when there was no answer."""

    code = "service_unavailable"

    def __init__(
        self, *, status_code: int = 0, words: str = "", retry_after: int | None = None, never_sent: bool = False
    ) -> None:
        super().__init__(words=words, retry_after=retry_after)
        self.status_code = status_code
        self.never_sent = never_sent  # no connection was made: repeating cannot do anything twice


class ServiceRefused(errors.PermanentFailure):
    """The service understood and said no."""

    code = "service_refused"

    def __init__(self, *, status_code: int = 0, words: str = "", answer: Any = None) -> None:
        super().__init__(words=words)
        self.status_code = status_code
        self.answer = answer


class AddressRefused(errors.PermanentFailure):
    """The address leads into our own network."""

    code = "address_refused"


class Client:
    """Calls to one service. Thread-safe; keep one for the life of a provider and `close()` it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        attempts: int = 3,
        backoff_s: float = 0.3,
        public_only: bool = False,
        max_bytes: int = MAX_ANSWER_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.attempts = max(1, attempts)
        self.backoff_s = backoff_s
        self.max_bytes = max_bytes
        self._sleep = sleep
        transport = PublicOnlyTransport() if public_only else httpx.HTTPTransport()
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5)),
            headers=dict(headers or {}),
            auth=auth,
            # A redirect could lead anywhere, with our credentials.
            follow_redirects=False,
            transport=transport,
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        """PATCH; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def request(self, method: str, path: str, *, idempotency_key: str | None = None, **options: Any) -> httpx.Response:
        """One call, answered with a status below 400. `options` are httpx's: `json`, `data`, `params`, `headers`, `content`.

        Repeats when the connection was never made, and after temporary failures of methods that are safe to repeat
        or carry an idempotency key. Raises `ServiceUnavailable`, `ServiceRefused`, `AddressRefused`.
        """
        headers = dict(options.pop("headers", None) or {})
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        if context.request_id.get():
            headers.setdefault("X-Request-ID", context.request_id.get())
        repeatable = method in SAFE_TO_REPEAT or idempotency_key is not None
        url = path if urlsplit(path).scheme else f"{self.base_url}/{path.lstrip('/')}"
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            try:
                return self._send(method, url, headers=headers, **options)
            except errors.TemporaryFailure as failure:
                never_sent = getattr(failure, "never_sent", False)
                if last or not (repeatable or never_sent):
                    raise
                self._sleep(self._pause(attempt, failure))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause(self, attempt: int, failure: errors.TemporaryFailure) -> float:
        """Exponential with full jitter; what the service asks for, when it is short."""
        wanted = random.uniform(0, self.backoff_s * 2 ** (attempt - 1)) + self.backoff_s / 2  # noqa: S311 — jitter
        asked = failure.retry_after or 0
        return max(wanted, min(asked, 5))

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        started = time.monotonic()
        shown = redact_text(url)
        try:
            with self._client.stream(method, url, **options) as response:
                self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failure = ServiceUnavailable(words=redact_text(str(error)), never_sent=True)
            log.warning("No connection for %s %s: %s", method, shown, failure.words)
            raise failure from error
        except httpx.TransportError as error:
            words = redact_text(str(error)) or type(error).__name__
            log.warning("No answer for %s %s: %s", method, shown, words)
            raise ServiceUnavailable(words=words) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise ServiceRefused(words=redact_text(str(error))) from error
        took_ms = round((time.monotonic() - started) * 1000)
        log.info(
            "%s %s: %s in %s ms",
            method,
            shown,
            response.status_code,
            took_ms,
            extra={"status": response.status_code, "took_ms": took_ms},
        )
        if response.status_code < 400:
            return response
        words = redact_text(response.text[:WORDS_KEPT])
        if response.status_code in TEMPORARY:
            raise ServiceUnavailable(status_code=response.status_code, words=words, retry_after=_retry_after(response))
        raise ServiceRefused(status_code=response.status_code, words=words, answer=_json_or_none(response))

    def _read(self, response: httpx.Response) -> None:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self.max_bytes:
                raise ServiceRefused(status_code=response.status_code, words=f"more than {self.max_bytes} bytes")
        response._content = bytes(body)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def client(base_url: str, *, timeout: float, **options: Any) -> Client:
    """A client of one service; `timeout` in seconds for each wait, `public_only=True` for addresses people typed in."""
    return Client(base_url, timeout=timeout, **options)


class PublicOnlyTransport(httpx.HTTPTransport):
    """Connects only to public addresses: resolves once, checks every address, connects to the one it checked."""

    def __init__(self) -> None:
        # A kept connection is known by its address: the next name at that address would ride on the first one's
        # certificate.
        super().__init__(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pin the checked address; the name stays in `Host` and in the TLS handshake."""
        host = request.url.host
        address = public_address(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return super().handle_request(request)


def public_address(host: str, port: int) -> str:
    """The address behind a name. Raises `AddressRefused` when any of its addresses is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServiceUnavailable(words=f"{host}: {error}", never_sent=True) from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        parsed = ipaddress.ip_address(address.split("%")[0])
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        if not parsed.is_global or parsed.is_multicast:
            raise AddressRefused(words=f"{host} is {address}")
    return addresses[0]


def _retry_after(response: httpx.Response) -> int | None:
    raw = response.headers.get("Retry-After", "").strip()
    if raw.isdigit():
        return min(int(raw), 86_400)
    try:
        moment = parsedate_to_datetime(raw)
    except (TypeError, ValueError):
        return None
    return max(0, int((moment - timezone.now()).total_seconds()))


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None

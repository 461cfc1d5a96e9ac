"""Web Push: one encrypted message to one browser, through the push service its maker runs.

RFC 8030 (delivery), RFC 8291 (encryption, `aes128gcm` of RFC 8188) and RFC 8292 (VAPID: who sends it). The push
service reads nothing of it but its length.
"""

import base64
import json
import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ops.kernel import http
from ops.kernel.errors import PermanentFailure

RECORD_BYTES = 4096
# What a push service must take (RFC 8030, 7.2), less header, padding mark and tag.
MOST_BYTES = RECORD_BYTES - 86 - 1 - 16
TIMEOUT_S = 10
TOKEN_S = 12 * 3600


class BrowserGone(PermanentFailure):
    """The browser took its subscription back, or the push service forgot it."""

    code = "browser_gone"


@dataclass(frozen=True, slots=True)
class Keys:
    """Ours: the private key as URL-safe base64 of its 32 bytes, and an address where the sender can be asked."""

    private: str
    contact: str


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a browser is reached, and its own keys as it gave them."""

    endpoint: str
    p256dh: str
    auth: str


def new_keys() -> str:
    """A fresh private key."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _text(number.to_bytes(32, "big"))


def public_key(private: str) -> str:
    """What a browser subscribes with: the uncompressed point."""
    return _text(_point(_private(private).public_key()))


def check_browser(browser: Browser) -> None:
    """Raises `ValueError` for keys or an address that no browser gives; `endpoint` names the address."""
    if len(_bytes(browser.auth)) != 16:
        raise ValueError("auth")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(browser.p256dh))
    parts = urlsplit(browser.endpoint)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise ValueError("endpoint")


def send(
    browser: Browser, payload: dict[str, Any], *, keys: Keys, ttl_s: int, urgency: str = "normal", base_url: str = ""
) -> None:
    """Hand a message to the push service. `base_url` sends it elsewhere, for a proxy or a test.

    Raises `BrowserGone` when nobody will ever take it, else `TemporaryFailure` or `PermanentFailure`.
    """
    parts = urlsplit(browser.endpoint)
    origin = f"{parts.scheme}://{parts.netloc}"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(ttl_s),
        "Urgency": urgency,
        "Authorization": f"vapid t={_token(origin, keys)}, k={public_key(keys.private)}",
    }
    body = _encrypted(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(), browser)
    # The address came from a browser, so it may not lead into our own network.
    with http.client(base_url or origin, timeout=TIMEOUT_S, public_only=not base_url) as service:
        try:
            service.post(path, content=body, headers=headers)
        except http.ServiceRefused as error:
            if error.status_code in (404, 410):
                raise BrowserGone(words=error.words) from error
            raise


def _encrypted(plain: bytes, browser: Browser) -> bytes:
    if len(plain) > MOST_BYTES:
        raise ValueError(f"A push message has at most {MOST_BYTES} bytes.")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(browser.p256dh))
    ours = ec.generate_private_key(ec.SECP256R1())
    point = _point(ours.public_key())
    salt = os.urandom(16)
    shared = ours.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, salt=_bytes(browser.auth), info=b"WebPush: info\x00" + _point(theirs) + point, length=32)
    key = _derived(secret, salt=salt, info=b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derived(secret, salt=salt, info=b"Content-Encoding: nonce\x00", length=12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(point)]) + point
    # The mark 2 says that this is the last record.
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def _token(audience: str, keys: Keys) -> str:
    """A JWT signed with ES256, for this push service and half a day."""
    head = _text(json.dumps({"typ": "JWT", "alg": "ES256"}, separators=(",", ":")).encode())
    claims = {"aud": audience, "exp": int(time.time()) + TOKEN_S, "sub": keys.contact}
    signed = f"{head}.{_text(json.dumps(claims, separators=(',', ':')).encode())}"
    r, s = decode_dss_signature(_private(keys.private).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_bytes(text), "big"), ec.SECP256R1())


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derived(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Raises `ValueError` (binascii.Error is one)."""
    return base64.urlsafe_b64decode(text.encode("ascii", "strict") + b"=" * (-len(text) % 4))

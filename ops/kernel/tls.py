"""The certificate a host shows its visitors, looked at from outside with a time limit."""

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from ops.kernel.errors import TemporaryFailure
from ops.kernel.http import public_address

TIMEOUT_S = 5.0
# OpenSSL's words for why a chain is refused (x509_vfy.h).
EXPIRED, OTHER_NAME = 10, 62


class HostSilent(TemporaryFailure):
    """Nobody answered, or no TLS came about."""

    code = "host_silent"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was shown. `refused` says why a browser would not trust it: `expired`, `other_name`, `untrusted`, or nothing."""

    valid_from: datetime
    valid_until: datetime
    issuer: str
    refused: str = ""


def look(host: str, *, port: int = 443, public_only: bool = True, roots: str | None = None) -> Certificate:
    """Connect to a host as a browser would and read its certificate.

    `roots` is a file of authorities to trust instead of the machine's. Raises `HostSilent`, and `AddressRefused` for a
    host that leads into our own network.
    """
    address = public_address(host, port) if public_only else host
    trusting = ssl.create_default_context(cafile=roots)
    try:
        return _read(_shown(address, port, host, trusting))
    except ssl.SSLCertVerificationError as error:
        refused = {EXPIRED: "expired", OTHER_NAME: "other_name"}.get(error.verify_code, "untrusted")
    # Nothing is said over this connection: it is there to read what is wrong with the certificate.
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    return _read(_shown(address, port, host, blind), refused)


def _shown(address: str, port: int, host: str, context: ssl.SSLContext) -> bytes:
    try:
        with (
            socket.create_connection((address, port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError:
        raise
    except OSError as error:
        raise HostSilent(words=f"{host}: {error}") from error


def _read(encoded: bytes, refused: str = "") -> Certificate:
    found = x509.load_der_x509_certificate(encoded)
    names = [
        str(part.value)
        for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for part in found.issuer.get_attributes_for_oid(kind)
    ]
    return Certificate(found.not_valid_before_utc, found.not_valid_after_utc, " · ".join(names)[:120], refused)

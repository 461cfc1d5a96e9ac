"""Mail on the wire: SMTP out (RFC 5321) and IMAP in (RFC 3501), at servers whose names people typed."""

import imaplib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chat.providers.channel import NotNow, OutcomeUnknown, Refused
from ops.kernel import http
from ops.kernel.errors import PermanentFailure, TemporaryFailure

TIMEOUT_S = 20
# A larger mail is fetched without its body.
LARGEST = 25 * 1024 * 1024
ROUND = 50


@dataclass(frozen=True, slots=True)
class Server:
    """Where a mail server is. `security` is ssl, starttls or none; `public_only` refuses our own network."""

    host: str
    port: int
    security: str
    user: str
    password: str
    public_only: bool = True

    @property
    def address(self) -> str:
        """What to connect to: the checked address, so that no name changes its mind in between."""
        return http.public_address(self.host, self.port) if self.public_only else self.host


class _Smtp(smtplib.SMTP):
    address = ""

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        return socket.create_connection((self.address, port), timeout)


class _Imap(imaplib.IMAP4):
    def __init__(self, server: Server, context: ssl.SSLContext | None) -> None:
        self.server, self.context = server, context
        super().__init__(server.host, server.port, timeout=TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self.server.address, self.server.port), timeout)
        return self.context.wrap_socket(plain, server_hostname=self.server.host) if self.context else plain


def send(server: Server, *, sender: str, to: str, message: bytes) -> None:
    """Hand one mail over. Raises `NotNow`, `OutcomeUnknown`, `Refused`.

    Until the words are sent off nothing can have left; whoever hangs up after that may have taken them.
    """
    with _smtp(server) as line:
        try:
            _accept(line.mail(sender))
            _accept(line.rcpt(to))
        except (OSError, smtplib.SMTPException) as error:
            raise _sorted(error) from error
        try:
            # The library mends the line ends of text only.
            _accept(line.data(re.sub(rb"\r\n|\r|\n", b"\r\n", message)))
        except smtplib.SMTPResponseException as error:
            raise _sorted(error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(words=str(error)) from error


def check_smtp(server: Server) -> None:
    """Log in and leave. Raises `NotNow`, `Refused`."""
    with _smtp(server):
        return


@contextmanager
def _smtp(server: Server) -> Iterator[smtplib.SMTP]:
    line = _Smtp(timeout=TIMEOUT_S)
    try:
        line.address = server.address
        context = ssl.create_default_context()
        line._host = server.host  # type: ignore[attr-defined]
        if server.security == "ssl":
            plain = socket.create_connection((line.address, server.port), TIMEOUT_S)
            line.sock = context.wrap_socket(plain, server_hostname=server.host)
            line.file = None
            _accept(line.getreply())
        else:
            _accept(line.connect(server.host, server.port))
        line.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            line.starttls(context=context)
            line.ehlo()
        if server.user:
            line.login(server.user, server.password)
    except (OSError, smtplib.SMTPException) as error:
        line.close()
        raise _sorted(error) from error
    try:
        yield line
    finally:
        try:
            line.quit()
        except (OSError, smtplib.SMTPException):
            line.close()


def _accept(answer: tuple[int, bytes]) -> None:
    code, words = answer
    if code >= 400:
        raise smtplib.SMTPResponseException(code, words)


def _sorted(error: Exception) -> TemporaryFailure | PermanentFailure:
    """4xx is for now, 5xx for good; no line at all is for now."""
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return (Refused if error.smtp_code >= 500 else NotNow)(words=f"{error.smtp_code} {words}"[:300])
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Refused(words=str(error))
    return NotNow(words=str(error))


@dataclass(frozen=True, slots=True)
class Fetched:
    """Mails of one round, and the place to go on from."""

    mails: list[tuple[int, bytes]]
    validity: int
    uid: int


def check_imap(server: Server, *, folder: str) -> None:
    """Log in and open the folder. Raises `TemporaryFailure`, `PermanentFailure`."""
    with _imap(server) as line:
        _open(line, folder)


def fetch(server: Server, *, folder: str, validity: int, uid: int) -> Fetched:
    """The mails behind `uid`, oldest first, at most a round of them; nothing is marked as read.

    A mailbox that is read for the first time, or that was made anew (another UIDVALIDITY), begins at its end: years of
    old mail are no conversations. Raises `TemporaryFailure`, `PermanentFailure`.
    """
    with _imap(server) as line:
        now_valid, next_uid = _open(line, folder)
        if now_valid != validity:
            return Fetched([], now_valid, next_uid - 1)
        found = _ok(line.uid("SEARCH", f"UID {uid + 1}:*"))
        # `n:*` always names the last mail, also when it is older than n.
        uids = sorted(key for key in (int(word) for word in (found[0] or b"").split()) if key > uid)[:ROUND]
        mails = [(key, body) for key in uids if (body := _body(line, key))]
        return Fetched(mails, validity, uids[-1] if uids else uid)


def _body(line: imaplib.IMAP4, uid: int) -> bytes:
    told = b" ".join(
        part if isinstance(part, bytes) else part[0]
        for part in _ok(line.uid("FETCH", f"{uid}", "(RFC822.SIZE)"))
        if part
    )
    size = re.search(rb"RFC822\.SIZE (\d+)", told)
    what = "(BODY.PEEK[HEADER])" if size and int(size[1]) > LARGEST else "(BODY.PEEK[])"
    for part in _ok(line.uid("FETCH", f"{uid}", what)):
        if isinstance(part, tuple):
            return bytes(part[1])
    return b""


@contextmanager
def _imap(server: Server) -> Iterator[imaplib.IMAP4]:
    context = ssl.create_default_context()
    try:
        line = _Imap(server, context if server.security == "ssl" else None)
    except (OSError, imaplib.IMAP4.error) as error:
        raise TemporaryFailure(words=str(error)) from error
    try:
        try:
            if server.security == "starttls":
                line.starttls(context)
            line.login(server.user, server.password)
        except imaplib.IMAP4.abort as error:
            raise TemporaryFailure(words=str(error)) from error
        except imaplib.IMAP4.error as error:
            raise PermanentFailure(words=str(error)) from error
        try:
            yield line
        except (OSError, imaplib.IMAP4.error) as error:
            raise TemporaryFailure(words=str(error)) from error
    except OSError as error:
        raise TemporaryFailure(words=str(error)) from error
    finally:
        try:
            line.logout()
        except (OSError, imaplib.IMAP4.error):
            line.shutdown()


def _open(line: imaplib.IMAP4, folder: str) -> tuple[int, int]:
    """UIDVALIDITY and UIDNEXT of the folder, opened read-only."""
    quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
    status, answer = line.select(quoted, readonly=True)
    if status != "OK":
        raise PermanentFailure(words=str(answer[0], errors="replace") if answer and answer[0] else folder)  # type: ignore[arg-type]
    validity = line.response("UIDVALIDITY")[1]
    upcoming = line.response("UIDNEXT")[1]
    if not validity or not validity[0]:
        raise PermanentFailure(words="UIDVALIDITY")
    after = int(upcoming[0]) if upcoming and upcoming[0] else _highest(line) + 1
    return int(validity[0]), after


def _highest(line: imaplib.IMAP4) -> int:
    found = _ok(line.uid("SEARCH", "UID *:*"))
    return max((int(word) for word in (found[0] or b"").split()), default=0)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise TemporaryFailure(words=repr(data)[:200])
    return data

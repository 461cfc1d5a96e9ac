"""ClamAV's daemon, asked over its socket with INSTREAM (docs.clamav.net, "ClamD Protocol").

`zINSTREAM\\0`, then pieces as a four-byte length in network order and the bytes, then a length of zero; the answer
ends with NUL: `stream: OK`, `stream: <name> FOUND` or `<words> ERROR`.
"""

import socket
import struct
from typing import BinaryIO
from urllib.parse import urlsplit

from ops.kernel.errors import TemporaryFailure

PIECE = 64 * 1024
TIMEOUT_S = 60.0
ANSWER_LIMIT = 4096


def scan(file: BinaryIO, *, address: str) -> str:
    """Name of what was found in a file; empty when it is clean. `address` is `tcp://host:port` or `unix:/path`.

    Raises `TemporaryFailure` when the daemon is away, breaks off or refuses: an unscanned file is not a clean one.
    """
    try:
        with _connect(address) as line:
            line.sendall(b"zINSTREAM\0")
            while piece := file.read(PIECE):
                line.sendall(struct.pack("!I", len(piece)) + piece)
            line.sendall(struct.pack("!I", 0))
            answer = _answer(line)
    except OSError as error:
        raise TemporaryFailure(words=str(error)) from error
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise TemporaryFailure(words=answer)


def _connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(TIMEOUT_S)
            line.connect(parts.path)
        except OSError:
            line.close()
            raise
        return line
    return socket.create_connection((parts.hostname or "localhost", parts.port or 3310), timeout=TIMEOUT_S)


def _answer(line: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < ANSWER_LIMIT:
        piece = line.recv(1024)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\0\n").decode("utf-8", "replace")

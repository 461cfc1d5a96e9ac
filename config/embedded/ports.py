"""The web port: taken once, before anything else is started, and handed to the web process."""

import contextlib
import errno
import os
import socket
from pathlib import Path

from .problems import Problem
from .processes import LINUX, command_of

HOSTS = (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))


def chosen() -> int:
    """PORT of the environment. Raises `Problem` for anything but a port number."""
    raw = os.environ.get("PORT", "").strip() or "8000"
    if not raw.isdecimal() or not 1 <= int(raw) <= 65535:
        raise Problem(f"PORT is {raw!r}: it must be a whole number between 1 and 65535.", fix="PORT=8000 bin/dev")
    return int(raw)


def listen(port: int) -> list[socket.socket]:
    """Listening sockets for `localhost`: IPv4, and IPv6 where the machine has it. Raises `Problem` when the port is taken."""
    if _answers(port):
        raise _taken(port)
    listening = []
    for host, family in HOSTS:
        try:
            server = socket.socket(family, socket.SOCK_STREAM)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((host, port))
            server.listen(1024)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _taken(port) from error
            if error.errno in (errno.EACCES, errno.EPERM):
                raise Problem(
                    f"{host} port {port} needs more rights than this user has.", fix="PORT=8000 bin/dev"
                ) from error
            if family == socket.AF_INET6:
                continue  # a machine without IPv6
            raise
        listening.append(server)
    return listening


def _answers(port: int) -> bool:
    """macOS lets a second program bind a port that another holds on all addresses, and would give it the visitors."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def _taken(port: int) -> Problem:
    holder = _holder(port)
    who = (
        f"by {holder}"
        if holder
        else f"by another program (to see which: {'ss -ltnp' if LINUX else f'lsof -i :{port}'})"
    )
    return Problem(
        f"Port {port} is taken {who}.", fix=f"Stop that program, or use another port: PORT={_free(port + 1)} bin/dev"
    )


def _free(start: int) -> int:
    for port in range(start, min(start + 100, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                server.bind(("127.0.0.1", port))
                return port
    return 8000


def _holder(port: int) -> str:
    """The listening program, as far as this user may see it (Linux)."""
    if not LINUX:
        return ""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(link) in inodes for link in (process / "fd").iterdir()):
                return f"process {process.name}, {command_of(int(process.name))[:80]!r}"
    return ""

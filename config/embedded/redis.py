"""One Redis server for one installation."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .places import Places
from .problems import Problem, from_output
from .processes import Child, Guard, alive, command_of

START_S = 30.0
JOURNAL = "appendonly.aof"


@dataclass(slots=True)
class Redis:
    """The server of `places`, run with the program `binary`. `throwaway`: tests, nothing is kept."""

    places: Places
    run: Path  # for its socket
    binary: Path
    throwaway: bool
    name: str = "redis"

    @property
    def url(self) -> str:
        """Address of its first database."""
        return f"unix://{self.socket}?db=0"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.places.data / "redis"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.places.log / "redis.log"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.run / "redis.sock"

    def start(self, guard: Guard) -> Child:
        """Start the server and wait until it answers. Raises `Problem`."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self.places.account:
            self.places.account.own_tree(self.data)
        self._end_orphan()
        said = ""
        for _ in range(2):
            said_before = self.log.stat().st_size if self.log.exists() else 0
            child = self._launch(guard)
            if self._answers(child):
                return child
            guard.stop([child], patience_s=1.0)
            said = self.log.read_bytes()[said_before:].decode(errors="replace")
            if "reading the append only file" not in said:
                break
            # Cut off by a power failure: the cache refills itself, and what was queued is kept for whoever needs it.
            (self.data / JOURNAL).replace(self.data / f"{JOURNAL}.broken-{int(time.time())}")
        last = "\n".join(f"    {line}" for line in said.strip().splitlines()[-6:])
        raise from_output(said, self.data) or Problem(
            f"Redis did not start:\n{last}",
            fix=f'See {self.log}. To start with an empty one: mv "{self.data}" "{self.data}.old"',
        )

    def stop(self, child: Child, guard: Guard) -> None:
        """Orderly, then the hard way."""
        guard.stop([child], patience_s=3.0)

    def _launch(self, guard: Guard) -> Child:
        journal = ["--appendonly", "no"] if self.throwaway else ["--appendonly", "yes", "--appendfilename", JOURNAL]
        with self.log.open("ab") as log:
            return guard.spawn(
                self.name,
                [self.binary, "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700", "--dir", self.data,
                 "--pidfile", self.run / "redis.pid", "--daemonize", "no", "--save", "", *journal],
                env={"PATH": "/usr/bin:/bin", "TZ": "UTC"}, cwd="/", ask=signal.SIGTERM, account=self.places.account,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _answers(self, child: Child) -> bool:
        deadline = time.monotonic() + START_S
        while child.running() and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(1.0)
                try:
                    client.connect(str(self.socket))
                    client.sendall(b"PING\r\n")
                    if client.recv(64).startswith(b"+PONG"):  # "-LOADING" while it reads its journal
                        return True
                except OSError:
                    pass
            time.sleep(0.02)
        return False

    def _end_orphan(self) -> None:
        """The keeper's lock is ours, so a server that runs on this data has lost its keeper."""
        pidfile = self.run / "redis.pid"
        try:
            pid = int(pidfile.read_text())
        except (OSError, ValueError):
            return
        if alive(pid) and str(self.socket) in command_of(pid):
            os.kill(pid, signal.SIGKILL)
            while alive(pid):
                time.sleep(0.02)
        pidfile.unlink(missing_ok=True)

"""The real web process beside a test: daphne on the test's own database and Redis, killed and started again at will."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection

# Ceilings for machines that are slow or busy; what goes well never waits for them.
START_WITHIN_S = 120
END_WITHIN_S = 120


class WebProcess:
    """One daphne. `kill` is what a crash does: no goodbye, no flush."""

    def __init__(self, *, application: str = "config.asgi:application", log: Path | None = None) -> None:
        # Bound and never listening: connections are refused while the process is down, and nobody else gets the port.
        self.place = socket.socket()
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        self.application = application
        self.database_url = database_url()
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(self.log.open("ab")) if self.log else subprocess.DEVNULL
            self.process = subprocess.Popen(
                [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), self.application],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DATABASE_URL": self.database_url, "REDIS_URL": settings.REDIS_URL, "DEBUG": "1"},
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the web process ended at its start"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise AssertionError("the web process does not listen")

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        """SIGTERM, as a deployment does it, until the process is gone."""
        if self.process is not None and self.is_running:
            self.process.terminate()
            self.process.wait(timeout=END_WITHIN_S)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None and self.is_running:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=END_WITHIN_S)

    def close(self) -> None:
        """End the process and give its port back."""
        self.kill()
        self.place.close()


def database_url() -> str:
    """The database the test uses, whatever name pytest gave it."""
    known = connection.settings_dict
    parts = {"user": known["USER"], "password": known["PASSWORD"], "host": known["HOST"], "port": known["PORT"]}
    return f"postgresql:///{known['NAME']}?" + urlencode({name: value for name, value in parts.items() if value})


@contextlib.contextmanager
def web_process(**kwargs: object) -> Iterator[WebProcess]:
    """A running web process, gone afterwards."""
    web = WebProcess(**kwargs)  # type: ignore[arg-type]
    try:
        web.start()
        yield web
    finally:
        web.close()

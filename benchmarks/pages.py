"""Processor time of the logged-in pages against an empty Django page, in the same run on the same server.

    bin/dev (or any PostgreSQL in DATABASE_URL), then: .venv/bin/python benchmarks/pages.py [--rounds 9] [--requests 60]

Makes an installation with the demo content, collects its static files and starts gunicorn as `Procfile` does (WSGI,
gthread, DEBUG off; one process, so that there is one to measure). The pages take turns in every round, and what counts
is the processor time the server spent, not the time on the clock: the machine may be busy with something else. Printed
for each page: the median over the rounds, the least, and the median of its ratio to both empty pages. Wanted: home and
inbox at most 3 times the empty page of somebody who is logged in (`empty_page.EMPTY`); the page for a stranger
(`empty_page.BARE`) shows what session and person alone cost.

Measured on two shared, busy cores: home 1.9 (an agent's) and 2.1 (the owner's), inbox 2.3 (an agent's) and 2.1 (all of
the team), an open conversation with its list 3.3. Before rows, lines and the column beside them were asked for in
written-out statements (`chat.queries.console`, `spoken`, `beside`) and drawn once for what they show
(`templatetags/kept.py`), the inbox was 4.2 and the conversation 10.8. These are pages whose drawings are kept; every
row and everything that says how long ago is drawn anew each minute.
"""

import argparse
import http.client
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

# The server runs without DEBUG and so without the development keys; it must read the session that is made here.
os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
os.environ["FIELD_KEYS"] = Fernet.generate_key().decode()

import throwaway
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.management import call_command
from django_tenants.utils import schema_context

from tenants.accounts.models import User

SCHEMA, HOST = "t_padaria", "padaria.localhost"
EMPTY, BARE = "/benchmark/empty/", "/benchmark/bare/"
WANTED_RATIO = 3.0


class Server:
    """gunicorn on a free port, with the addresses of `empty_page` besides those of the product."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = os.environ | {
            "DEBUG": "0",
            "VAR_DIR": folder,
            "REDIS_URL": settings.REDIS_URL,
            "STORAGE_URL": settings.STORAGE_URL,
            "SECURE_SSL_REDIRECT": "0",
            "PYTHONPATH": str(throwaway.ROOT),
        }
        manage = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(manage, cwd=throwaway.ROOT, env=environment, check=True)
        command = "gunicorn benchmarks.empty_page:application --worker-class gthread --workers 1 --threads 8"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                *command.split(),
                "--bind",
                f"127.0.0.1:{self.port}",
                "--access-logfile",
                "-",
                "--no-control-socket",
            ],
            cwd=throwaway.ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while self._worker() is None or not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("gunicorn does not start")
            time.sleep(0.1)

    def _worker(self) -> str | None:
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return (file.read().split() or [None])[0]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def cpu_s(self) -> float:
        """Processor time of the process that answers, in its own code and in the kernel for it."""
        nanoseconds = 0
        for thread in Path(f"/proc/{self._worker()}/task").iterdir():
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
        return nanoseconds / 1e9

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def logged_in(email: str) -> str:
    """A cookie of this person, as after a login."""
    with schema_context(SCHEMA):
        person = User.objects.get(email=email)
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def visits(server: Server, address: str, cookie: str) -> Callable[[int], int]:
    """A browser that asks for one page again and again over one connection, and answers how many bytes came."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"} | ({"Cookie": cookie} if cookie else {})

    def visit(times: int) -> int:
        size = 0
        line.close()  # the server hangs up on who was silent for two seconds
        for _ in range(times):
            line.request("GET", address, headers=headers)
            answer = line.getresponse()
            size = len(answer.read())
            if answer.status != 200:
                raise SystemExit(f"{address} answers {answer.status}")
        return size

    return visit


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=60, help="of each page in a round")
    asked = parser.parse_args()

    call_command("migrate", verbosity=0)
    call_command("demo", verbosity=0)
    owner, agent = logged_in("owner@padaria.example"), logged_in("agent@padaria.example")
    pages = [
        ("empty page, stranger", BARE, ""),
        ("empty page, logged in", EMPTY, agent),
        ("home of an agent", "/", agent),
        ("home of the owner", "/", owner),
        ("inbox of an agent", "/chat/", agent),
        ("inbox, all of the team", "/chat/?tab=all", owner),
        ("a conversation", "/chat/c/1", owner),
    ]
    spent: dict[str, list[float]] = {name: [] for name, _, _ in pages}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            browsers = {name: visits(server, address, cookie) for name, address, cookie in pages}
            sizes = {name: visit(20) for name, visit in browsers.items()}
            for _ in range(asked.rounds):
                for name, visit in browsers.items():
                    before = server.cpu_s()
                    visit(asked.requests)
                    spent[name].append((server.cpu_s() - before) * 1000 / asked.requests)
        finally:
            server.stop()

    medians = {name: statistics.median(each) for name, each in spent.items()}
    # Compared within each round: what else the machine does changes from round to round.
    empty, bare = spent["empty page, logged in"], spent["empty page, stranger"]
    print(f"{'page':24}{'bytes':>8}{'CPU ms':>9}{'least':>8}{'/ empty':>9}{'/ stranger':>12}")
    ratios = {}
    for name, median in medians.items():
        ratios[name] = statistics.median(one / other for one, other in zip(spent[name], empty, strict=True))
        stranger = statistics.median(one / other for one, other in zip(spent[name], bare, strict=True))
        print(f"{name:24}{sizes[name]:>8}{median:>9.2f}{min(spent[name]):>8.2f}{ratios[name]:>8.2f}x{stranger:>11.2f}x")
    worst = max(ratios[name] for name in ("home of an agent", "home of the owner", "inbox of an agent"))
    print(f"home and inbox against the empty page: at most {worst:.2f}x (wanted: {WANTED_RATIO:.0f}x)")
    return 0 if worst <= WANTED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

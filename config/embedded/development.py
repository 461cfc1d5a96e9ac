"""`bin/dev`: the whole product in one terminal."""

import contextlib
import hashlib
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import keeper, management, places, ports, venv
from .console import Console, log_file
from .keeper import Use
from .locks import Lock
from .page import Page
from .places import Places
from .problems import Problem
from .processes import Child, Guard, on_signals

STOP_S = 5.0  # for our own programs to end by themselves
ALL_STOP_S = 9.5  # for everything: whoever asked may use force after 10 s
STEADY_S = 30.0  # a program that ran this long starts its next failure from zero
LONGEST_PAUSE_S = 30.0
PAGES_FIRST_S = 15.0  # how long the other programs wait for the first page

WELCOME = """\
Ready: http://localhost:{port}
"""
DEMO = """\

  The platform      http://localhost:{port}/admin/              admin@balcao.example
  Reseller Rede Sul http://redesul.localhost:{port}/admin/      revenda@redesul.example
  Padaria Aurora    http://padaria.localhost:{port}/            owner@ admin@ agent@ agent2@ editor@ viewer@ padaria.example
  Livraria Mirante  http://livraria.localhost:{port}/           the same six @livraria.example
  Lantern Courses   http://studio.localhost:{port}/             the same six @lantern.example
  A visitor's chat  http://padaria.localhost:{port}/widget/demo/
  Every password is balcao-demo.
"""


@dataclass(slots=True)
class Program:
    """One of our programs: how it is started, and how it is doing."""

    name: str
    argv: list[str | Path]
    pass_fds: tuple[int, ...] = ()
    once: bool = False  # it does its work and ends
    child: Child | None = None
    started_at: float = 0.0
    failures: int = 0
    next_start_at: float | None = None
    rest: bytes = field(default=b"", repr=False)

    def running(self) -> bool:
        """Whether it is up at this moment."""
        return self.child is not None and self.child.running()

    def ended(self) -> bool:
        """Whether it was up and is not any more."""
        return self.child is not None and not self.child.running()


def programs(env: Mapping[str, str], web_files: tuple[int, ...]) -> dict[str, Program]:
    """What the product consists of, beside the services."""
    python, var = venv.PYTHON, env["VAR_DIR"]
    # Every listening socket is handed over open: a restart of the web process refuses nobody.
    endpoints: list[str | Path] = [part for number in web_files for part in ("-e", f"fd:fileno={number}")]
    celery: list[str | Path] = [python, "-m", "celery", "--quiet", "-A", "config"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    found: list[Program] = [
        Program("prepare", [python, "-m", "config.embedded.prepare"], once=True),
        Program("web", [python, "-m", "daphne", *endpoints, "config.asgi:application"], pass_fds=web_files),
        Program(
            "worker",
            [*celery, "worker", "--concurrency", "2", "--prefetch-multiplier", "1", "--loglevel", "INFO", *quiet],
        ),
        Program(
            "beat", [*celery, "beat", "--schedule", Path(var, "beat-schedule"), "--pidfile", "", "--loglevel", "INFO"]
        ),
        Program("dispatcher", [python, places.ROOT / "manage.py", "outbox", "run"]),
    ]
    return {program.name: program for program in found}


def run(arguments: list[str], *, say: Callable[[str], None]) -> int:
    """Run until Ctrl-C or SIGTERM. Raises `Problem`."""
    if arguments:
        raise Problem(
            f"bin/dev takes no arguments, got {' '.join(arguments)}.", fix="PORT=8001 VAR_DIR=/somewhere bin/dev"
        )
    port = ports.chosen()
    where = places.find(places.var_dir())
    alone = Lock(where.services / "dev.lock")
    if not alone.try_take():
        pid, _, address = alone.read().partition(" ")
        raise Problem(
            f"This installation is already running at {address} (process {pid}).",
            fix=f"Open {address}, or stop it: kill {pid}",
        )
    alone.write(f"{os.getpid()} http://localhost:{port}")
    listening = ports.listen(port)
    stopping = _Stop()
    hold = keeper.use(where, keeper.wanted(os.environ), say=say)
    try:
        env = {
            **management.environment(os.environ, development=True),
            **hold.environment(),
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        return _Supervisor(where, env, listening, hold, stopping, say).run()
    finally:
        if not hold.release(wait_s=stopping.left_s()):
            say("The services stay up: another command is using them.")
        alone.close()


def welcome(port: int, env: Mapping[str, str]) -> str:
    """What a person waits for: where the product answers, and who may log in."""
    demo = env.get("DEMO", "").strip().lower() not in {"0", "false", "no", "off"}
    return (WELCOME + (DEMO if demo else "")).format(port=port)


def _fingerprint(env: Mapping[str, str]) -> str:
    """Changes with the migrations, the libraries and the database's address."""
    facts = [env.get("DATABASE_URL", ""), venv.digest(places.ROOT / "requirements.txt")]
    for depth in ("*", "*/*", "*/*/*"):  # not "**", which would walk through .venv
        for path in sorted(places.ROOT.glob(f"{depth}/migrations/*.py")):
            facts += [str(path), str(path.stat().st_mtime_ns)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _read_text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


class _Stop:
    """SIGINT, SIGTERM or SIGHUP came; also wakes the loop, and so does the end of a child."""

    def __init__(self) -> None:
        self.asked = 0
        self.since = 0.0
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        on_signals(self._ask, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask(self, *_: object) -> None:
        self.asked += 1
        self.since = self.since or time.monotonic()

    def left_s(self) -> float:
        """What is left of the time that stopping may take."""
        return ALL_STOP_S - (time.monotonic() - self.since if self.since else 0.0)

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.reading, 4096)


class _Supervisor:
    def __init__(
        self,
        where: Places,
        env: dict[str, str],
        listening: list[socket.socket],
        hold: Use,
        stopping: _Stop,
        say: Callable[[str], None],
    ) -> None:
        self.where, self.env, self.hold, self.stopping, self.say = where, env, hold, stopping, say
        self.port = listening[0].getsockname()[1]
        files = tuple(server.fileno() for server in listening)
        self.listening = listening  # stays open here, so that visitors wait while the web process restarts
        self.programs = programs(env, files)
        self.console = Console(list(self.programs))
        self.logs = {name: log_file(where.log / f"{name}.log") for name in self.programs}
        self.guard = Guard()
        self.selector = selectors.DefaultSelector()
        self.selector.register(stopping.reading, selectors.EVENT_READ)
        self.page = Page(self.port, self.selector)
        self.ready = self.welcomed = False
        self.fingerprint = ""
        self.looked_at = time.monotonic()
        self.keeper_log = where.log / "services.log"
        self.keeper_said = self.keeper_log.stat().st_size if self.keeper_log.exists() else 0

    def run(self) -> int:
        try:
            self._begin()
            while not self.stopping.asked and not self.console.gone:
                self._turn()
            self.console.line("dev", b"Stopping ...")
            return 0
        finally:
            self._stop()

    # In which order: what visitors wait for comes first, with both processors to itself.

    def _begin(self) -> None:
        self.fingerprint = _fingerprint(self.env)
        self._start(self.programs["prepare"])
        if _read_text(self.where.services / "prepared") == self.fingerprint:
            self._start(self.programs["web"])  # most likely there is nothing to migrate

    def _go_on(self, now: float) -> None:
        """Start what is due, once the database is up to date."""
        prepare, web = self.programs["prepare"], self.programs["web"]
        assert prepare.child is not None
        if prepare.running():
            return
        if prepare.child.process.returncode != 0:
            raise Problem(
                "Bringing the database up to date failed; the lines above say why.",
                fix=f"See {self.where.log / 'prepare.log'}; when it is mended, start bin/dev again",
            )
        if not prepare.child.gone:
            self.guard.stop([prepare.child])
            (self.where.services / "prepared").write_text(self.fingerprint)
        if web.child is None:
            self._start(web)
        if not self.ready:
            if not self.page.ask(now):
                self.console.line("dev", b"The pages do not answer yet; still trying")
            self.ready = self.page.delivered
            if self.ready:
                self.page.close()
        # A product whose pages fail still gets its workers.
        if self.page.status or now - web.started_at > PAGES_FIRST_S:
            waiting = [program for program in self.programs.values() if program.child is None]
            for program in waiting:
                self._start(program)
            if self.ready and not self.welcomed:
                self.welcomed = True
                self.console.text(welcome(self.port, self.env))

    # One turn of the loop: what was printed, what ended, what is due.

    def _turn(self) -> None:
        for key, _ in self.selector.select(0.1 if not self.ready else 0.5):
            if key.fileobj == self.stopping.reading:
                self.stopping.clear()
            elif key.fileobj is self.page.socket:
                if self.page.read(time.monotonic()) and not self.page.delivered:
                    self.console.line("dev", f"The pages answer {self.page.status} and not 200; still trying".encode())
            else:
                self._read(key.data)
        if self.stopping.asked:
            return
        self._read_keeper()
        now = time.monotonic()
        for program in self.programs.values():
            if program.next_start_at is not None and now >= program.next_start_at:
                self._start(program)
            elif program.ended() and not program.once and program.next_start_at is None:
                self._plan_restart(program, now)
        self._go_on(now)
        if now - self.looked_at > 2.0:
            self.looked_at = now
            if not self.hold.kept():
                self.console.line("dev", b"PostgreSQL and Redis lost their keeper; starting them again")
                keeper.again(self.hold, say=self.say)

    def _read_keeper(self) -> None:
        """What became of PostgreSQL and Redis, which another process looks after."""
        if self.keeper_log.exists() and self.keeper_log.stat().st_size > self.keeper_said:
            with self.keeper_log.open("rb") as log:
                log.seek(self.keeper_said)
                said = log.read()
            self.keeper_said += len(said)
            for line in said.splitlines():
                self.console.line("services", line)

    def _start(self, program: Program) -> None:
        program.next_start_at = None
        program.started_at = time.monotonic()
        program.child = self.guard.spawn(
            program.name, program.argv, env=self.env, cwd=places.ROOT, pass_fds=program.pass_fds,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        pipe = program.child.process.stdout
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self.selector.register(pipe, selectors.EVENT_READ, program)

    def _plan_restart(self, program: Program, now: float) -> None:
        assert program.child is not None
        code = program.child.process.returncode
        program.failures = 1 if now - program.started_at > STEADY_S else program.failures + 1
        pause_s = min(2.0 ** (program.failures - 1), LONGEST_PAUSE_S)
        program.next_start_at = now + pause_s
        self.guard.stop([program.child])
        self._read(program)
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.console.line(
            "dev",
            f"{program.name} {ended}; starting it again in {pause_s:.0f} s (see {self.where.log / program.name}.log)".encode(),
        )

    def _read(self, program: Program) -> None:
        assert program.child is not None
        assert program.child.process.stdout is not None
        pipe = program.child.process.stdout
        if pipe.closed:
            return
        while True:
            try:
                block = os.read(pipe.fileno(), 65536)
            except BlockingIOError:
                return
            if not block:
                break
            self.logs[program.name].write(block)
            *lines, program.rest = (program.rest + block).split(b"\n")
            for line in lines:
                self.console.line(program.name, line)
        if program.rest:
            self.console.line(program.name, program.rest)
            program.rest = b""
        self.selector.unregister(pipe)
        pipe.close()

    def _stop(self) -> None:
        self.page.close()
        running = [program.child for program in self.programs.values() if program.child is not None]
        patience_s = STOP_S if self.stopping.asked < 2 else 0.2  # a second Ctrl-C: now
        self.guard.stop(running, patience_s=patience_s)
        self.guard.sweep()
        for program in self.programs.values():
            if program.child is not None:
                self._read(program)
        for file in self.logs.values():
            file.close()
        self.guard.close()
        for server in self.listening:
            server.close()

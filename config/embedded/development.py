"""`bin/dev`: the whole product in one terminal."""

import contextlib
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
from .places import Places
from .problems import Problem
from .processes import Child, Guard, on_signals

STOP_S = 5.0  # for our own programs; the services come after them, all within 10 s
SERVICES_STOP_S = 4.0
STEADY_S = 30.0  # a program that ran this long starts its next failure from zero
LONGEST_PAUSE_S = 30.0

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


def programs(env: Mapping[str, str], web_files: tuple[int, ...]) -> dict[str, Program]:
    """What the product consists of, beside the services."""
    python, var = venv.PYTHON, env["VAR_DIR"]
    # Every listening socket is handed over open: a restart of the web process refuses nobody.
    endpoints: list[str | Path] = [part for number in web_files for part in ("-e", f"fd:fileno={number}")]
    celery: list[str | Path] = [python, "-m", "celery", "-A", "config"]
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
        if not hold.release(wait_s=SERVICES_STOP_S):
            say("The services stay up: another command is using them.")
        alone.close()


class _Stop:
    """SIGINT, SIGTERM or SIGHUP came; also wakes the loop, and so does the end of a child."""

    def __init__(self) -> None:
        self.asked = 0
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        on_signals(self._ask, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask(self, *_: object) -> None:
        self.asked += 1

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
        self.probe: socket.socket | None = None
        self.probed_at = 0.0
        self.ready = False
        self.looked_at = time.monotonic()
        self.keeper_log = where.log / "services.log"
        self.keeper_said = self.keeper_log.stat().st_size if self.keeper_log.exists() else 0

    def run(self) -> int:
        try:
            self._start(self.programs["prepare"])
            while not self.stopping.asked and not self.console.gone:
                self._turn()
                if not self.stopping.asked and self._prepare_failed():
                    raise Problem(
                        "Bringing the database up to date failed; the lines above say why.",
                        fix=f"See {self.where.log / 'prepare.log'}; when it is mended, start bin/dev again",
                    )
            self.console.line("dev", b"Stopping ...")
            return 0
        finally:
            self._stop()

    def _prepare_failed(self) -> bool:
        prepare = self.programs["prepare"]
        return prepare.child is not None and not prepare.running() and prepare.child.process.returncode != 0

    def _prepared(self) -> bool:
        prepare = self.programs["prepare"]
        return prepare.child is not None and not prepare.running() and prepare.child.process.returncode == 0

    # One turn of the loop: what was printed, what ended, what is due.

    def _turn(self) -> None:
        for key, _ in self.selector.select(0.25):
            if key.fileobj == self.stopping.reading:
                self.stopping.clear()
            elif key.fileobj is self.probe:
                self._read_probe()
            else:
                self._read(key.data)
        now = time.monotonic()
        for program in self.programs.values():
            if (
                program.child is not None
                and not program.running()
                and not program.once
                and program.next_start_at is None
            ):
                self._plan_restart(program, now)
        if not self._prepared() or self.stopping.asked:
            return
        for program in self.programs.values():
            due = program.child is None or (program.next_start_at is not None and now >= program.next_start_at)
            if due and not program.once:
                self._start(program)
        if now - self.looked_at > 2.0:
            self.looked_at = now
            if not self.hold.kept():
                self.console.line("dev", b"PostgreSQL and Redis lost their keeper; starting them again")
                keeper.again(self.hold, say=self.say)
        if not self.ready:
            self._probe(now)

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

    # Ready means that a page was really delivered.

    def _probe(self, now: float) -> None:
        if self.probe is None and now - self.probed_at > 0.2:
            self.probed_at = now
            try:
                self.probe = socket.create_connection(("127.0.0.1", self.port), timeout=1.0)
                self.probe.sendall(
                    f"GET / HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode()
                )
            except OSError:
                self._end_probe()
            else:
                self.selector.register(self.probe, selectors.EVENT_READ)
        elif self.probe is not None and now - self.probed_at > 15.0:
            self._end_probe()
            self.console.line("dev", b"http://localhost/ does not answer yet; still trying")

    def _read_probe(self) -> None:
        assert self.probe is not None
        try:
            words = self.probe.recv(4096).split(b" ", 2)
        except OSError:
            words = []
        self._end_probe()
        status = words[1] if len(words) > 1 else b"nothing"
        if status == b"200":
            self.ready = True
            self.console.text(
                WELCOME.format(port=self.port)
                + (DEMO.format(port=self.port) if self.env.get("DEMO", "1") not in ("0", "false", "no", "off") else "")
            )
        elif words:
            self.probed_at = time.monotonic() + 2.0
            self.console.line("dev", b"http://localhost/ answers " + status + b" and not 200 yet; still trying")

    def _end_probe(self) -> None:
        if self.probe is not None:
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(self.probe)
            self.probe.close()
            self.probe = None

    def _stop(self) -> None:
        self._end_probe()
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

"""PostgreSQL and Redis for as long as anyone uses them.

Everyone who uses the services holds a shared lock on `services/users.lock`. The keeper is a process of its own that
holds both services; when it can take that lock alone, nobody is left, however they ended, and it stops. So
`bin/dev` and any number of `bin/manage` share one pair of services, and `kill -9` on the last of them ends it.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from . import binaries, places, problems
from .locks import Lock, is_held
from .places import Places
from .postgres import Postgres
from .problems import Problem
from .processes import MARK, Child, Guard
from .redis import Redis

LOOK_S = 0.1  # how often the keeper looks whether anyone is left
SPACE_MB = 150  # a new PostgreSQL takes 60 MB, and its log must be able to grow
VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


def wanted(env: Mapping[str, str]) -> list[str]:
    """The services that the environment does not already point elsewhere."""
    return [name for name, variable in VARIABLES.items() if not (env.get(variable) or env.get(f"{variable}_FILE"))]


@dataclass(slots=True)
class Use:
    """A hold on the running services; closing the last one stops them."""

    places: Places
    names: list[str]
    _users: Lock
    keeper: subprocess.Popen[bytes] | None = None  # when this call started it

    def environment(self) -> dict[str, str]:
        """What a program needs to find them."""
        urls = _state(self.places)["urls"] if self.names else {}
        return {VARIABLES[name]: urls[name] for name in self.names}

    def kept(self) -> bool:
        """Whether the keeper is there; False after somebody killed it."""
        return not self.names or is_held(_lock_path(self.places, "keeper"))

    def release(self, *, wait_s: float) -> bool:
        """Let go, and wait until the services have stopped. False, without waiting, when others still use them."""
        self._users.give_back()
        if self._users.try_share():  # else the keeper has it alone already and is stopping
            shared = not self._users.try_take()
            self._users.give_back()
            if shared:
                return False
        self._users.close()
        deadline = time.monotonic() + wait_s
        while is_held(_lock_path(self.places, "keeper")) and time.monotonic() < deadline:
            time.sleep(0.03)
        if self.keeper is not None and time.monotonic() < deadline:
            self.keeper.wait()
        return True


def _state(where: Places) -> dict[str, Any]:
    """What the keeper wrote when the services were up."""
    found: dict[str, Any] = json.loads((where.services / "state.json").read_text())
    return found


def _lock_path(where: Places, name: str) -> Path:
    return where.services / f"{name}.lock"


def use(where: Places, names: list[str], *, throwaway: bool = False, say: Callable[[str], None]) -> Use:
    """Hold the named services, starting their keeper when there is none. Raises `Problem`."""
    users = Lock(_lock_path(where, "users"))
    users.share()  # waits here while a keeper that found nobody left is stopping
    hold = Use(where, names, users)
    if names:
        hold.keeper = _ensure(where, names, throwaway=throwaway, say=say)
    return hold


def again(hold: Use, *, say: Callable[[str], None]) -> None:
    """Start a keeper once more after the last one was killed. Raises `Problem`."""
    if hold.keeper is not None:
        hold.keeper.wait()
    hold.keeper = _ensure(hold.places, hold.names, throwaway=False, say=say)


def _ensure(
    where: Places, names: list[str], *, throwaway: bool, say: Callable[[str], None]
) -> subprocess.Popen[bytes] | None:
    turn = Lock(_lock_path(where, "start"))
    try:
        turn.take()  # two starters take turns; the second finds the keeper of the first
        if not is_held(_lock_path(where, "keeper")):
            return _start(where, names, throwaway=throwaway, say=say)
        if missing := set(names) - set(_state(where)["urls"]):
            raise Problem(
                f"This installation is running without its own {' and '.join(sorted(missing))}: "
                "it was started with another DATABASE_URL or REDIS_URL.",
                fix="Use the same environment as there, or stop it first",
            )
        return None
    finally:
        turn.close()


def _start(where: Places, names: list[str], *, throwaway: bool, say: Callable[[str], None]) -> subprocess.Popen[bytes]:
    if "postgres" in names and not (where.data / "pg").exists() and not throwaway:
        say(f"Making an empty PostgreSQL in {where.data} …")
    if where.moved_out and where.account:
        say(
            f"The data is in {where.data}, because {where.account.name} cannot reach {where.services} (a directory above it is closed)."
        )
    reading, writing = os.pipe()
    with (where.log / "services.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent), "keep", str(where.var), "throwaway" if throwaway else "lasting", str(writing), *names],
            # Without the starter's mark: the keeper may outlive it, for others.
            env={name: value for name, value in os.environ.items() if name != MARK},
            cwd="/", pass_fds=[writing], start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    os.close(writing)
    with open(reading, "rb") as pipe:
        report = pipe.read()
    answer = json.loads(report or b'{"problem": ""}')
    if "problem" in answer:
        process.wait()
    if not report:
        raise Problem("The services' keeper ended before it could say why.", fix=f"See {where.log / 'services.log'}")
    if "problem" in answer:
        raise Problem(answer["problem"], fix=answer["fix"])
    return process


# --- The keeper's own process ---------------------------------------------------------------------


def main(var: str, kind: str, report_to: str, *names: str) -> int:
    """Hold the services until nobody uses them. Called as `python config/embedded keep …` by `use`."""
    report = os.fdopen(int(report_to), "wb")
    where = places.find(Path(var))
    own = Lock(_lock_path(where, "keeper"))
    if not own.try_take():
        return _tell(report, problem="Another keeper holds the services of this installation.", fix="Run it again")
    with contextlib.suppress(BrokenPipeError):
        try:
            keeper = _Keeper(where, list(names), throwaway=kind == "throwaway")
            keeper.start()
        except Problem as problem:
            return _tell(report, problem=problem.message, fix=problem.fix)
        except OSError as error:
            known = problems.from_os_error(error)
            if known is None:
                raise
            return _tell(report, problem=known.message, fix=known.fix)
        _tell(report, services=names)
    keeper.keep()
    return 0


def _tell(report: BinaryIO, **answer: object) -> int:
    """Answer the starter, who may be gone; the exit code that goes with it."""
    with contextlib.suppress(BrokenPipeError), report:
        report.write(json.dumps(answer).encode())
    return 1 if "problem" in answer else 0


class _Keeper:
    def __init__(self, where: Places, names: list[str], *, throwaway: bool) -> None:
        self.where, self.throwaway = where, throwaway
        self.asked_to_stop = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        self.guard = Guard()
        free_mb = shutil.disk_usage(where.data).free // 1_000_000
        if free_mb < SPACE_MB:
            raise problems.disk_full(f"{where.data} ({free_mb} MB free)")
        found = binaries.find(where)
        self.run = places.run_directory(where)
        known: dict[str, Postgres | Redis] = {
            "postgres": Postgres(where, self.run, found.postgres, throwaway),
            "redis": Redis(where, self.run, found.redis, throwaway),
        }
        self.services = [known[name] for name in names]
        self.children: dict[str, Child] = {}

    def _ask_to_stop(self, *_: object) -> None:
        self.asked_to_stop = True

    def start(self) -> None:
        try:
            for service in self.services:
                self.children[service.name] = service.start(self.guard)
        except BaseException:
            self._stop()
            raise
        state = self.where.services / "state.json"
        new = state.with_suffix(".new")
        new.write_text(
            json.dumps(
                {
                    "urls": {service.name: service.url for service in self.services},
                    "keeper": os.getpid(),
                    "data": str(self.where.data),
                    "run": str(self.run),
                }
            )
        )
        new.replace(state)

    def keep(self) -> None:
        users = Lock(_lock_path(self.where, "users"))
        failures = 0
        try:
            while not self.asked_to_stop and not users.try_take():
                select.select([], [], [], LOOK_S)
                for service in self.services:
                    child = self.children[service.name]
                    if child.running():
                        continue
                    failures += 1
                    _log(f"{service.name} ended with {child.process.returncode}; starting it again ({failures})")
                    self.guard.stop([child])
                    try:
                        self.children[service.name] = service.start(self.guard)
                    except (Problem, OSError) as problem:
                        _log(str(problem))
                        select.select([], [], [], min(failures, 10))
        finally:
            self._stop()

    def _stop(self) -> None:
        for service in reversed(self.services):
            if service.name in self.children:
                service.stop(self.children[service.name], self.guard)
        self.guard.close()
        (self.where.services / "state.json").unlink(missing_ok=True)
        shutil.rmtree(self.run, ignore_errors=True)
        if self.throwaway:
            shutil.rmtree(self.where.data, ignore_errors=True)
            shutil.rmtree(self.where.var, ignore_errors=True)


def _log(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} keeper: {text}\n")
    sys.stderr.flush()

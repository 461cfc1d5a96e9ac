"""A small product of its own under the real `bin/` and `config/embedded`: real services, in a directory of its own."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.embedded import places, venv
from config.embedded.places import Account
from config.embedded.processes import alive

HERE = Path(__file__).parent
PATIENCE_S = 120  # the other half of the suite runs beside


def wait_until(what: str, happened: Callable[[], object]) -> None:
    """Wait for something that must happen; fails naming it."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def base_python(account: Account | None) -> Path | None:
    """An interpreter like this one that the account may run."""
    same = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for candidate in (Path(getattr(sys, "_base_executable", sys.executable)).resolve(), same):
        if candidate.exists() and places.reachable(candidate, account):
            return candidate
    return None


class Checkout:
    """A clone of a tiny product. Its programs are in `product/`; `.venv` borrows this one's packages.

    `account` owns and runs it; without one the caller does. `visitor` can run its Python too. `data` is copied: a
    database that was made already.
    """

    def __init__(
        self, path: Path, account: Account | None = None, *, visitor: Account | None = None, data: Path | None = None
    ) -> None:
        self.path, self.account = path, account
        self.started: list[subprocess.Popen[str]] = []
        shutil.copytree(HERE / "product", path)
        shutil.copytree(
            places.ROOT / "config" / "embedded",
            path / "config" / "embedded",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        shutil.copytree(places.ROOT / "bin", path / "bin")
        for name in ("requirements.txt", "requirements-dev.txt"):
            (path / name).write_text("# nothing beside what is here already\n")
        self.make_venv(base_python(account or visitor))
        if data is not None:
            shutil.copytree(data, self.data)
        if account:
            account.own_tree(path)

    def make_venv(self, base: Path | None) -> None:
        """A finished `.venv`, without the seconds that making one takes."""
        packages = (
            self.path / ".venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        )
        packages.mkdir(parents=True)
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (self.path / ".venv" / "bin").mkdir()
        assert base is not None
        (self.path / ".venv" / "bin" / "python").symlink_to(base)
        (self.path / ".venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
        digests = {name: venv.digest(self.path / name) for name in ("requirements.txt", "requirements-dev.txt")}
        (self.path / ".venv" / ".installed").write_text(json.dumps(digests))

    @property
    def var(self) -> Path:
        """Its VAR_DIR."""
        return self.path / "var"

    @property
    def data(self) -> Path:
        """Its PostgreSQL's data directory."""
        return self.var / "services" / "pg"

    def environment(self, **more: str) -> dict[str, str]:
        """A plain environment: nothing of the installation that runs these tests."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "HOME": str(self.path), **more}

    def start(self, command: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start `bin/COMMAND`; its output is read with `said` or `communicate`."""
        process = subprocess.Popen(
            [self.path / "bin" / command, *arguments],
            cwd=self.path,
            env=self.environment(**env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **(self.account.popen() if self.account else {}),
        )
        self.started.append(process)
        return process

    def run(self, command: str, *arguments: str, **env: str) -> tuple[int, str]:
        """Run `bin/COMMAND` to its end: exit code and everything it said."""
        process = self.start(command, *arguments, **env)
        said, _ = process.communicate()
        return process.returncode, said

    def manage(self, *arguments: str, **env: str) -> str:
        """What a management command said; it must succeed."""
        code, said = self.run("manage", *arguments, **env)
        assert code == 0, said
        return said.strip()

    def answer(self, *arguments: str, **env: str) -> Any:
        """The JSON that a management command printed last."""
        return json.loads(self.manage(*arguments, **env).splitlines()[-1])

    def ask(self, question: str, **env: str) -> Any:
        """What PostgreSQL says to SQL (or Redis to PING), through a command of its own."""
        return self.answer("ask", question, **env)

    def hold(self, *arguments: str, **env: str) -> "Hold":
        """A management command that runs until it is ended; returns when it holds the services."""
        process = self.start("manage", "hold", *arguments, **env)
        return Hold(self, process, read_until(process, "holding"))

    def state(self) -> dict[str, Any]:
        """What the keeper wrote about the running services."""
        return json.loads((self.var / "services" / "state.json").read_text())

    def processes(self) -> dict[int, str]:
        """Everything that runs out of this checkout: by command line, working directory or environment (Linux)."""
        found = {}
        wanted = str(self.path).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                seen = command + os.readlink(folder / "cwd").encode() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if wanted in seen and int(folder.name) != os.getpid() and alive(int(folder.name)):
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def nothing_runs(self) -> None:
        """Wait until nothing of it is left."""
        wait_until(f"{self.processes()} to end", lambda: not self.processes())

    def clean(self) -> None:
        """End what a failed test left behind, and remove everything."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.kill()
            process.communicate()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.state()["run"])  # else the keeper has done it
        if self.data.is_symlink():
            shutil.rmtree(self.data.readlink().parent)
        shutil.rmtree(self.path.parent)


class Hold:
    """A running command that asks PostgreSQL and Redis for us."""

    def __init__(self, checkout: Checkout, process: subprocess.Popen[str], said: str) -> None:
        self.checkout, self.process, self.said = checkout, process, said

    def ask(self, question: str) -> Any:
        """What PostgreSQL says to SQL, or Redis to PING; a text when there was no answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        """Let the command come to its end."""
        said, _ = self.process.communicate()
        assert self.process.returncode == 0, said


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Everything said up to and including the line with `text`; it must come before the end."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} was never said:\n{said}")


@pytest.fixture(scope="session")
def nobody() -> Account:
    """An ordinary user, as whom root tries things."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    entry = pwd.getpwnam("nobody")
    account = Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    if not places.reachable(Path(sysconfig.get_path("purelib")), account) or base_python(account) is None:
        pytest.skip("user nobody cannot reach this Python or its packages")
    return account


@pytest.fixture(scope="module")
def new_checkout() -> Iterator[Callable[..., Checkout]]:
    """Makes checkouts in a directory that every user may pass through; gone after the module."""
    made: list[Checkout] = []

    def make(
        name: str = "checkout",
        account: Account | None = None,
        *,
        visitor: Account | None = None,
        data: Path | None = None,
    ) -> Checkout:
        base = Path(tempfile.mkdtemp(prefix="balcao-checkout-")).resolve()
        base.chmod(0o755)
        if account:
            account.own(base)
        made.append(Checkout(base / name, account, visitor=visitor, data=data))
        return made[-1]

    yield make
    for checkout in made:
        checkout.clean()


@pytest.fixture(scope="module")
def checkout(new_checkout: Callable[..., Checkout]) -> Checkout:
    """One for all tests of a module, so that its database is made once."""
    return new_checkout()


@pytest.fixture(scope="module")
def data(checkout: Checkout) -> Path:
    """An empty database that is not running; copying it is quicker than making one."""
    checkout.manage("exit", "0")
    copy = checkout.path.parent / "data"
    shutil.copytree(checkout.data, copy)
    return copy

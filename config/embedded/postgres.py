"""One PostgreSQL server for one installation: made, repaired, started, watched and stopped."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .places import Places
from .problems import Problem, from_output, name_of
from .processes import LINUX, Child, Guard, alive, command_of

START_S = 60.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8" if LINUX else "C", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "",  # sockets only: nothing to collide on, and no password to keep
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_locks_per_transaction": "512",  # a dump or migration over many schemas locks every table at once
    "max_parallel_workers_per_gather": "0",  # parallel queries need more /dev/shm than the 64 MB of a container
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "500ms",
    "log_checkpoints": "off",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "on"}


@dataclass(slots=True)
class Postgres:
    """The server of `places`, run with the programs in `binaries`. `throwaway`: tests, nothing is kept."""

    places: Places
    run: Path  # for its socket
    binaries: Path
    throwaway: bool
    name: str = "postgres"

    @property
    def url(self) -> str:
        """Address of the application's database."""
        return f"postgres://app@/app?host={self.run}"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.places.data / "pg"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.places.log / "postgres.log"

    def start(self, guard: Guard) -> Child:
        """Start the server and wait until it answers. Raises `Problem`."""
        self._check_owner()
        self._end_orphan()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(guard)
        self._configure()
        deadline = time.monotonic() + START_S
        while True:
            said_before = self.log.stat().st_size if self.log.exists() else 0
            child = self._launch(guard)
            if self._answers(child, deadline):
                self._make_database()
                return child
            guard.stop([child], patience_s=1.0)
            said = _from(self.log, said_before)
            # Left over by a server that was killed: the kernel frees it a moment after its last process has gone.
            if "pre-existing shared memory block" in said and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise self._problem(said)

    def stop(self, child: Child, guard: Guard) -> None:
        """Fast shutdown (open transactions roll back), then the hard way; the next start recovers from the log."""
        child.process.send_signal(signal.SIGINT)
        for number in (signal.SIGQUIT, signal.SIGKILL):
            try:
                child.process.wait(3.0)
            except subprocess.TimeoutExpired:
                child.process.send_signal(number)
        guard.stop([child])

    def _check_owner(self) -> None:
        if not self.data.exists():
            return
        uid, account = self.data.stat().st_uid, self.places.account
        if account is not None and uid != account.uid:
            account.own_tree(self.data)
        if account is None and uid != os.geteuid():
            raise Problem(
                f"The data in {self.data} belongs to {name_of(uid)}: it was made by another user, or by root.",
                fix=f'sudo chown -R "$(id -un)" "{self.places.var}"   or use other data: VAR_DIR=/path/you/own bin/dev',
            )

    def _end_orphan(self) -> None:
        """The keeper's lock is ours, so a server that runs on this data has lost its keeper."""
        pidfile = self.data / "postmaster.pid"
        try:
            pid = int(pidfile.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            pid = 0
        if pid > 0 and alive(pid) and str(self.data) in command_of(pid):
            for number, patience_s in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
                os.kill(pid, number)
                deadline = time.monotonic() + patience_s
                while alive(pid) and time.monotonic() < deadline:
                    time.sleep(0.05)
        # Else a program that was given the same number, or is not reaped yet, keeps the server from starting.
        for left in (pidfile, self.run / ".s.PGSQL.5432.lock", self.run / ".s.PGSQL.5432"):
            left.unlink(missing_ok=True)

    def _initialise(self, guard: Guard) -> None:
        """Make the cluster beside its place and move it there when whole, so that half of one is never started."""
        partial = self.data.with_name("pg.partial")
        if partial.exists():
            shutil.rmtree(partial)
        if self.data.exists():
            self.data.rmdir()
        partial.mkdir(mode=0o700)
        if self.places.account:
            self.places.account.own(partial)
        child = guard.spawn(
            "initdb",
            [self.binaries / "initdb", "-D", partial, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale-provider=builtin",
             "--builtin-locale=C.UTF-8", "--no-instructions", *(["--no-sync"] if self.throwaway else [])],
            env=ENVIRONMENT, cwd="/", account=self.places.account, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = child.process.communicate()
        guard.stop([child])
        if child.process.returncode != 0:
            shutil.rmtree(partial, ignore_errors=True)
            raise self._problem(said.decode(errors="replace"))
        partial.rename(self.data)

    def _configure(self) -> None:
        """Written at every start: the socket directory and our settings may have changed since the last one."""
        values = {**SETTINGS, "unix_socket_directories": str(self.run), **(THROWAWAY if self.throwaway else {})}
        files = {
            "postgresql.conf": "".join(f"{name} = '{value}'\n" for name, value in values.items()),
            "pg_hba.conf": "local all all trust\n",  # whoever gets here has passed a directory closed to all others
        }
        for name, text in files.items():
            new = self.data / f"{name}.new"
            new.write_text(text)
            if self.places.account:
                self.places.account.own(new)
            new.replace(self.data / name)

    def _launch(self, guard: Guard) -> Child:
        with self.log.open("ab") as log:
            return guard.spawn(
                self.name, [self.binaries / "postgres", "-D", self.data], env=ENVIRONMENT, cwd="/", ask=signal.SIGINT,
                account=self.places.account, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _answers(self, child: Child, deadline: float) -> bool:
        while child.running() and time.monotonic() < deadline:
            if self._client("pg_isready", "-q").returncode == 0:
                return True
            time.sleep(0.03)
        return False

    def _make_database(self) -> None:
        found = self._client("psql", "-d", "postgres", "-Atc", "select 1 from pg_database where datname = 'app'")
        if found.returncode == 0 and not found.stdout.strip():
            found = self._client("createdb", "app")
        if found.returncode != 0:
            raise self._problem(found.stderr)

    def _client(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binaries / program, "-h", self.run, "-U", "app", *arguments],
            env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _problem(self, said: str) -> Problem:
        if known := from_output(said, self.data):
            return known
        last = "\n".join(f"    {line}" for line in said.strip().splitlines()[-6:])
        if "incompatible with server" in said:
            return Problem(
                f"The data in {self.data} was made by another version of PostgreSQL:\n{last}",
                fix=f'Dump it with the version that made it, or start empty: mv "{self.data}" "{self.data}.old"',
            )
        return Problem(
            f"PostgreSQL did not start:\n{last}",
            fix=f'See {self.log}. To start with an empty database: mv "{self.data}" "{self.data}.old"',
        )


def _from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")

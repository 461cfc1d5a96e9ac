"""Children that never outlive their parent, however it ends.

Three nets, because each has a hole. Linux kills a child whose parent dies (PR_SET_PDEATHSIG), but not its
grandchildren, and macOS has no such call. So a guard process holds the reading end of a pipe: when the last writer
is gone it ends everything that was enlisted. Last, on Linux, whatever still carries this run's mark in its
environment is killed: a browser or a worker that made a session of its own.
"""

import contextlib
import ctypes
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .places import Account

MARK = "BALCAO_RUN"
PATIENCE_S = 6.0  # between asking a child to stop and killing it
PR_SET_PDEATHSIG = 1
LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


@dataclass(slots=True)
class Child:
    """One running program. `group`: it leads a process group of its own, which is killed as a whole."""

    name: str
    process: subprocess.Popen[bytes]
    group: bool
    ask: signal.Signals  # the signal that asks it to stop
    gone: bool = False  # stopped and forgotten: its number may belong to another program by now

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None


class Guard:
    """Ends the children when this process dies without doing so. Make one before any thread starts."""

    def __init__(self) -> None:
        self.mark = secrets.token_hex(8)
        self._read, self._write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _detach(keep=self._read)
                _watch(self._read, self.mark)
            finally:
                os._exit(0)
        os.close(self._read)

    def enlist(self, *, group: bool, ask: int) -> None:
        """Called in the child between fork and exec: it is known to the guard before its parent can die unseen."""
        os.write(self._write, b"+%d %d %d\n" % (os.getpid(), group, ask))

    def release(self, pid: int) -> None:
        """The child has ended and was reaped: its number may be given to another program."""
        os.write(self._write, b"-%d\n" % pid)

    def spawn(
        self,
        name: str,
        argv: Iterable[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        group: bool = True,
        ask: signal.Signals = signal.SIGTERM,
        account: Account | None = None,
        **options: Any,
    ) -> Child:
        """Start a program that dies with this process. Call from the main thread: the kernel watches the thread that forked."""
        parent = os.getpid()

        def before_exec() -> None:
            self.enlist(group=group, ask=ask)
            if _libc is not None:
                _libc.prctl(PR_SET_PDEATHSIG, int(ask))
            if os.getppid() != parent:  # it died before the kernel was asked
                os._exit(1)

        process = subprocess.Popen(
            [str(part) for part in argv],
            env={**env, MARK: self.mark},
            cwd=cwd,
            start_new_session=group,
            preexec_fn=before_exec,
            **(account.popen() if account else {}),
            **options,
        )
        return Child(name, process, group, ask)

    def stop(self, children: Iterable[Child], *, patience_s: float = PATIENCE_S) -> None:
        """Ask all of them to stop, wait, kill what is left, and leave no descendant of theirs behind."""
        children = [child for child in children if not child.gone]
        for child in children:
            if child.running():
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(child.ask)
        deadline = time.monotonic() + patience_s
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            _kill(child.pid, signal.SIGKILL, group=child.group, ended=not child.running())
            child.process.wait()
            child.gone = True
            self.release(child.pid)

    def sweep(self) -> None:
        """Kill every descendant that is still there (Linux; elsewhere process groups have to do)."""
        _sweep(self.mark)

    def close(self) -> None:
        """End the guard; nothing may be running any more."""
        os.close(self._write)
        os.waitpid(self.pid, 0)


def _kill(pid: int, number: int, *, group: bool, ended: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(pid, number)  # also when its leader has ended: the group lives as long as a member
        elif not ended:
            os.kill(pid, number)


def _detach(*, keep: int) -> None:
    """Leave the terminal and every file: a lock or a pipe held here would outlive its owner."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for file in map(int, os.listdir("/dev/fd")):
        if file > 2 and file != keep:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(file)


def _watch(pipe: int, mark: str) -> None:
    """The guard's whole life: keep the list, and act on it when the pipe ends."""
    enlisted: dict[int, tuple[bool, int]] = {}
    rest = b""
    while block := os.read(pipe, 4096):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.startswith(b"+"):
                pid, group, ask = map(int, line[1:].split())
                enlisted[pid] = (bool(group), ask)
            else:
                enlisted.pop(int(line[1:]), None)
    for pid, (_, ask) in enlisted.items():
        _kill(pid, ask, group=False, ended=False)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and any(map(alive, enlisted)):
        select.select([], [], [], 0.05)
    for pid, (group, _) in enlisted.items():
        _kill(pid, signal.SIGKILL, group=group, ended=not alive(pid))
    if enlisted:
        _sweep(mark)


def _sweep(mark: str) -> None:
    if not LINUX:
        return
    wanted = f"{MARK}={mark}".encode()
    for _ in range(20):  # again, for what was being forked meanwhile
        found = [pid for pid in _processes() if wanted in _read(f"/proc/{pid}/environ").split(b"\0")]
        for pid in found:
            _kill(pid, signal.SIGKILL, group=False, ended=False)
        if not found:
            return
        time.sleep(0.02)


def _processes() -> list[int]:
    own = os.getpid()
    return [pid for name in os.listdir("/proc") if name.isdigit() and (pid := int(name)) != own]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def on_signals(handler: Callable[[int, object], None], *numbers: signal.Signals) -> dict[signal.Signals, Any]:
    """Install `handler`, but not for a SIGHUP that `nohup` wants ignored. Returns what was there before."""
    return {
        number: signal.signal(number, handler)
        for number in numbers
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }


def alive(pid: int) -> bool:
    """Whether a process of that number runs; one that has ended and waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not LINUX or b") Z " not in _read(f"/proc/{pid}/stat")


def command_of(pid: int) -> str:
    """Its command line, empty when it is gone or hidden."""
    if LINUX:
        return _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    listed = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()

"""One program in the terminal's foreground, with the services up for as long as it runs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .processes import Guard, on_signals

STOP_S = 8.0  # what a program gets to end after SIGTERM or SIGHUP


def run(argv: list[str | Path], *, guard: Guard, env: Mapping[str, str], cwd: Path | str) -> int:
    """Run it in this terminal, pass signals on, and return its exit code (128 + n when signal n ended it)."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A script's background job starts with SIGINT ignored, and the program would inherit that for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    child = guard.spawn(Path(argv[1]).name, argv, env=env, cwd=cwd, group=False)
    asked_to_stop = False

    def pass_on(number: int, _frame: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = asked_to_stop or number != signal.SIGINT
        # Ctrl-C reaches the whole foreground group; a second one would interrupt the program's own cleaning up.
        if number != signal.SIGINT or not _foreground():
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(number)

    before = on_signals(pass_on, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        waited_s = 0.0
        while True:
            try:
                code = child.process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                waited_s = waited_s + 0.5 if asked_to_stop else 0.0
                if waited_s > STOP_S:
                    child.process.kill()
    finally:
        guard.stop([child])
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code


def _foreground() -> bool:
    """Whether this process group owns a terminal, which then sends Ctrl-C to every member."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

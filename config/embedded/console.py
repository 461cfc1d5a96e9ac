"""What `bin/dev` shows: every program's lines with its name before them, and the same in a file each."""

import os
import selectors
import sys
from io import FileIO
from pathlib import Path

LOG_BYTES = 10_000_000
COLOURS = ("36", "35", "33", "32", "34", "31")


def log_file(path: Path) -> FileIO:
    """Opened for appending; a long one is put aside first."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab", buffering=0)


class Console:
    """Prefixed lines. Never waits for a reader: what does not fit now is in the log files anyway."""

    def __init__(self, names: list[str]) -> None:
        self.gone = False
        self.width = max(map(len, names))
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.prefixes = {}
        for number, name in enumerate([*names, "services", "dev"]):
            padded = f"{name:<{self.width}} |"
            self.prefixes[name] = (
                f"\x1b[{COLOURS[number % len(COLOURS)]}m{padded}\x1b[0m " if colours else f"{padded} "
            ).encode()

    def line(self, name: str, line: bytes) -> None:
        """One line of a program."""
        self._write(self.prefixes[name] + line[:4000] + b"\n", wait_s=0.0)

    def text(self, text: str) -> None:
        """Something that a person waits for."""
        self._write(text.encode(), wait_s=2.0)

    def _write(self, block: bytes, *, wait_s: float) -> None:
        # A pipe that is ready takes at least 4,096 bytes (PIPE_BUF) without blocking.
        try:
            selector = selectors.PollSelector()
            selector.register(1, selectors.EVENT_WRITE)
            if selector.select(wait_s):
                os.write(1, block)
        except (BrokenPipeError, OSError):
            self.gone = True

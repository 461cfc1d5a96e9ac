"""File locks that the kernel drops when their holder dies: the only bookkeeping that survives `kill -9`."""

import fcntl
import os
from pathlib import Path


class Lock:
    """One lock file, held for as long as this object is open."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def share(self) -> None:
        """Hold it together with others; waits while somebody has it alone."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_share(self) -> bool:
        """Hold it together with others unless somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def take(self) -> None:
        """Hold it alone; waits for the others."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Hold it alone if nobody else holds it."""
        return self._try(fcntl.LOCK_EX)

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_back(self) -> None:
        """Hold it no longer."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Hold it no longer and forget the file."""
        os.close(self._file)

    def write(self, text: str) -> None:
        """Leave a word for those who find it taken."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def read(self) -> str:
        """The word its holder left."""
        return os.pread(self._file, 4096, 0).decode(errors="replace")


def is_held(path: Path) -> bool:
    """Whether some process holds the lock at this moment; a lock that was never made, or is gone, is free."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False

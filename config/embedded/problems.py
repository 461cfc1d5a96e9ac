"""What can be wrong with the machine, said once, with the fix."""

import errno
import os
import pwd
from pathlib import Path


class Problem(Exception):
    """Something a person has to change; `fix` says what."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  Fix: {self.fix}"


def disk_full(where: Path | str) -> Problem:
    """No space, or no quota, left."""
    return Problem(
        f"The disk that holds {where} is full.",
        fix="Free some space (about 1 GB is needed), or put the data on another disk: VAR_DIR=/path/with/space bin/dev",
    )


def not_writable(where: Path | str) -> Problem:
    """The caller may not write there; says whose it is."""
    place = Path(where)
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return Problem(
        f"{caller()} may not write to {where} ({owner(place)}).",
        fix=f'sudo chown -R "$(id -un)" "{place}"   or put the data elsewhere: VAR_DIR=/path/you/own bin/dev',
    )


def owner(place: Path) -> str:
    """`owned by ana, mode 755`, or why that cannot be told."""
    try:
        facts = place.lstat()
    except OSError as error:
        return error.strerror or "unreadable"
    return f"owned by {name_of(facts.st_uid)}, mode {facts.st_mode & 0o777:03o}"


def caller() -> str:
    """Name of the user this process runs as."""
    return name_of(os.geteuid())


def name_of(uid: int) -> str:
    """Login name of `uid`, or its number where the system has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def from_os_error(error: OSError) -> Problem | None:
    """The named problem behind a failed system call, or None when it is not one we know."""
    where = error.filename if isinstance(error.filename, str) else "the installation"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(where)
    if error.errno in (errno.EACCES, errno.EPERM):
        return not_writable(where)
    if error.errno == errno.EROFS:
        return Problem(
            f"{where} is on a read-only file system.",
            fix="Clone into a writable directory, or put the data elsewhere: VAR_DIR=/path/you/own bin/dev",
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return Problem(
            f"{where} cannot be a directory ({error.strerror}).",
            fix="Put the data elsewhere: VAR_DIR=/path/you/own bin/dev",
        )
    if error.errno in (errno.ENOMEM, errno.EAGAIN):
        return Problem(
            "The machine has no memory or processes left for another program.",
            fix="Close other programs (2 GB of memory are enough), or raise the limit shown by: ulimit -u",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Problem("Too many files are open.", fix="ulimit -n 4096   and start again in the same terminal")
    return None


def from_output(output: str, where: Path) -> Problem | None:
    """The named problem behind what a service or pip printed before it gave up."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return disk_full(where)
    if "Cannot allocate memory" in output or "could not map anonymous shared memory" in output:
        return from_os_error(OSError(errno.ENOMEM, "Cannot allocate memory"))
    return None

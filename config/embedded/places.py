"""Where data, sockets, logs and locks live, and as whom the services run.

    VAR_DIR/log/            one file a program
    VAR_DIR/services/       locks, state.json, and normally the data: pg/ and redis/
    /tmp/balcao-<hash>/     the sockets: a Unix socket's path may have 107 bytes (103 on macOS), a checkout's
                            path may be longer

PostgreSQL refuses to run as root. Root therefore starts both services as the owner of the checkout, or as
`nobody`. Where that account cannot reach VAR_DIR (a closed directory above it), the data lives in
/var/lib/balcao/<hash> instead: opening somebody's home, or giving the services root's rights, would be worse.
"""

import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .problems import Problem, name_of, not_writable

ROOT = Path(__file__).resolve().parents[2]
REACHABLE = (Path("/var/lib/balcao"), Path("/var/tmp/balcao"))  # the second where /var/lib is read-only
SHORT = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))


@dataclass(frozen=True, slots=True)
class Account:
    """A user other than the caller, under whom the services run."""

    uid: int
    gid: int
    name: str

    def popen(self) -> dict[str, Any]:
        """Arguments that make `subprocess` switch to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give `path` alone to this account."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, path: Path) -> None:
        """Give `path` and all below it to this account."""
        for found in walk(path):
            self.own(found)


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of one installation, all absolute. Made by `find`."""

    var: Path
    services: Path
    log: Path
    data: Path
    account: Account | None
    key: str  # tells this installation from the others on the machine

    @property
    def moved_out(self) -> bool:
        """Whether the data had to leave VAR_DIR."""
        return self.data != self.services


def walk(path: Path) -> Iterator[Path]:
    """`path` and everything below it, links not followed."""
    yield path
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            yield Path(folder, name)


def var_dir() -> Path:
    """VAR_DIR, absolute; a relative one counts from the checkout."""
    return Path(ROOT, os.environ.get("VAR_DIR", "").strip() or "var").resolve()


def make_open(path: Path) -> None:
    """Create `path` so that the service account can pass through it, whatever the umask; an existing one is kept."""
    if path.is_dir():
        return
    make_open(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(path.stat().st_mode | 0o711)


def find(var: Path) -> Places:
    """Lay out the installation whose variable data is in `var`, creating the directories.

    Raises `Problem` when they belong to somebody else.
    """
    services, log = var / "services", var / "log"
    for directory in (services, log):
        make_open(directory)
        if not os.access(directory, os.W_OK):
            raise not_writable(directory)
    key = hashlib.sha256(f"{os.geteuid()}:{var}".encode()).hexdigest()[:12]
    account = service_account(services)
    data = data_directory(services, key, account)
    return Places(var, services, log, data, account, key)


def service_account(services: Path) -> Account | None:
    """Who runs the services: the caller (None), or for root the owner of the data or checkout, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for place in (services / "pg", ROOT):
        if place.exists() and (uid := place.stat().st_uid) != 0:
            try:
                entry = pwd.getpwuid(uid)
            except KeyError:
                continue  # PostgreSQL refuses a user without a name
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    for name in ("nobody", "daemon", "www-data"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise Problem(
        "PostgreSQL refuses to run as root, and this system has no user 'nobody' to run it as.",
        fix="useradd --system nobody   or run as an ordinary user",
    )


def reachable(path: Path, account: Account | None) -> bool:
    """Whether `account` may enter the directory (or run the file) `path`: asked of the kernel, not guessed from modes."""
    if account is None:
        return os.access(path, os.X_OK)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            os._exit(0 if os.access(path, os.X_OK) else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def data_directory(services: Path, key: str, account: Account | None) -> Path:
    """Directory of pg/ and redis/. Data once made stays where it is found."""
    if account is None:
        return services
    outside = [base / key for base in REACHABLE]
    for place in outside:
        if (place / "pg" / "PG_VERSION").exists():
            return place
    if reachable(services, account):
        return services
    for place in outside:
        try:
            make_open(place)
        except OSError:
            continue
        if reachable(place, account):
            for name in ("pg", "redis"):
                if (services / name).is_dir() and not (services / name).is_symlink():
                    shutil.move(services / name, place / name)  # the way to it was closed after it was made
                link(services / name, place / name)
            return place
    raise Problem(
        f"Run by root, PostgreSQL runs as {account.name}, who cannot reach {services} (a directory above it is closed).",
        fix="VAR_DIR=/some/open/directory bin/dev   or run as an ordinary user",
    )


def link(name: Path, target: Path) -> None:
    """Point `name` at `target`, for people who look for the data in VAR_DIR."""
    if name.is_symlink():
        name.unlink()
    name.symlink_to(target)


def run_directory(places: Places) -> Path:
    """Make a short directory for the sockets that nobody else may enter: inside it PostgreSQL trusts the caller.

    Its name is known to every local user, so one that exists is used only when it is a real directory, ours and closed.
    """
    account = places.account
    uid = os.geteuid() if account is None else account.uid
    for base in SHORT:
        for suffix in ("", "-1", "-2"):
            place = base / f"balcao-{places.key}{suffix}"
            try:
                place.mkdir(mode=0o700)
                if account is not None:
                    account.own(place)
            except FileExistsError:
                pass
            except OSError:
                break
            facts = place.lstat()
            if (
                stat.S_ISDIR(facts.st_mode)
                and facts.st_uid == uid
                and not facts.st_mode & 0o077
                and reachable(place, account)
            ):
                return place
    raise Problem(
        f"No directory for sockets could be made in {', '.join(map(str, SHORT))} for {name_of(uid)}.",
        fix="chmod 1777 /tmp",
    )

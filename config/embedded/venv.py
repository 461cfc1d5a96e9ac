"""`.venv` with exactly the pinned requirements: made when missing, brought up to date when they changed.

`.venv/.installed` names what is in it and is written last; `.venv/.installing` is there while pip works. Found at a
start, the second means that somebody pulled the plug, and the half-made environment is thrown away.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .places import ROOT
from .problems import Problem, disk_full, from_output
from .processes import Guard

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SPACE_MB = 1000  # what an installation with the development requirements takes, and a little air
OFFLINE = ("NewConnectionError", "Temporary failure in name resolution", "Network is unreachable", "ProxyError",
           "Max retries exceeded", "ConnectTimeout", "SSLError", "No matching distribution found")  # fmt: skip


def ready(names: tuple[str, ...]) -> bool:
    """Whether `.venv` holds these requirement files as they are now."""
    return all(_installed().get(name) == digest(ROOT / name) for name in names) and os.access(PYTHON, os.X_OK)


def ensure(names: tuple[str, ...], *, say: Callable[[str], None]) -> None:
    """Make `.venv` hold these requirement files; two callers at once take turns.

    Raises `Problem`: no venv module, pip without a network, disk full.
    """
    if ready(names):
        return
    with _alone(say):
        if ready(names):  # the other caller did it
            return
        space_mb = shutil.disk_usage(ROOT).free // 1_000_000
        if space_mb < SPACE_MB and not (VENV / ".installed").exists():
            raise disk_full(f"{ROOT} ({space_mb} MB free)")
        guard = Guard()
        try:
            _make(guard, say)
            for name in names:
                if _installed().get(name) != digest(ROOT / name):
                    say(f"Installing {name} into .venv …")
                    _install(guard, name)
        finally:
            guard.close()


@contextlib.contextmanager
def _alone(say: Callable[[str], None]) -> Iterator[None]:
    """One installer at a time. The lock is on the checkout's directory: no file to leave behind."""
    directory = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is installing the requirements; waiting for it …")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def digest(path: Path) -> str:
    """What tells one version of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _installed() -> dict[str, str]:
    try:
        found = json.loads((VENV / ".installed").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _works() -> bool:
    if (VENV / ".installing").exists():
        return False
    try:
        tried = subprocess.run(
            [PYTHON, "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"], capture_output=True, check=False
        )
    except OSError:
        return False
    return tried.returncode == 0


def _make(guard: Guard, say: Callable[[str], None]) -> None:
    if _works():
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Problem(
            f"The venv module of Python {version} ({sys.executable}) is missing, so .venv cannot be made.",
            fix=f"Debian and Ubuntu: sudo apt install python{version}-venv   then run this again",
        )
    if VENV.exists():
        say("The .venv here was left half-made; making it again.")
        shutil.rmtree(VENV)
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    # The base interpreter: a venv made from inside another one would point into it.
    base = getattr(sys, "_base_executable", sys.executable) or sys.executable
    output = _run(guard, [base, "-m", "venv", VENV])
    if output is not None:
        raise from_output(output, VENV) or Problem(
            f"Making .venv failed:\n{_tail(output)}",
            fix="Debian and Ubuntu: sudo apt install python3-venv   then run this again",
        )


def _install(guard: Guard, name: str) -> None:
    mark = VENV / ".installing"
    mark.touch()
    # --no-deps: every package is in the file, so nothing has to be resolved. Wheels exist for all that is compiled.
    output = _run(
        guard,
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
         "--prefer-binary", "--requirement", ROOT / name],
    )  # fmt: skip
    if output is not None:
        with contextlib.suppress(OSError):
            mark.unlink()  # pip ended in order: what it installed is whole, the next start goes on from there
        raise from_output(output, VENV) or _pip_problem(name, output)
    state = VENV / ".installed.new"
    state.write_text(json.dumps({**_installed(), name: digest(ROOT / name)}))
    state.replace(VENV / ".installed")
    mark.unlink()


def _pip_problem(name: str, output: str) -> Problem:
    if "DO NOT MATCH THE HASHES" in output:
        return Problem(
            f"A downloaded package is not the one {name} was pinned to:\n{_tail(output)}",
            fix="Run it again (a broken download); if it stays, the package index or a proxy changes files: do not use it",
        )
    if any(sign in output for sign in OFFLINE):
        return Problem(
            f"pip could not fetch what {name} needs:\n{_tail(output)}",
            fix="Check the network, then run this again. Behind a proxy set HTTPS_PROXY, with an own index PIP_INDEX_URL. "
            f"Where only this Python ({sys.version.split()[0]}) has no wheels, use Python 3.11 to 3.13",
        )
    return Problem(f"pip could not install {name}:\n{_tail(output)}", fix="Remove .venv and run this again")


def _run(guard: Guard, argv: list[str | Path]) -> str | None:
    """None when it went well, else everything it printed."""
    child = guard.spawn(
        "setup",
        argv,
        env=os.environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        printed, _ = child.process.communicate()
    finally:
        guard.stop([child])
    return None if child.process.returncode == 0 else printed.decode(errors="replace")


def _own_pip() -> dict[str, str]:
    """The caller's environment (proxy, index, certificates) without what sends packages elsewhere than into `.venv`."""
    elsewhere = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN"}
    return {**{name: value for name, value in os.environ.items() if name not in elsewhere}, "PIP_USER": "0"}


def _tail(output: str, lines: int = 8) -> str:
    said = [line for line in output.strip().splitlines() if not line.lstrip().startswith("WARNING")]
    return "\n".join(f"    {line}" for line in said[-lines:])

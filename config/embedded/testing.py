"""`bin/test [pytest arguments]`: the suite on databases of its own, which are gone afterwards."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from . import foreground, keeper, management, places, venv
from .keeper import Use
from .locks import is_held
from .processes import Guard, on_signals

PREFIX = "balcao-test-"
STOP_S = 10.0
# Everything that points at an installation or unlocks an account: a test never touches one, and passes with any set.
INSTALLATION = frozenset(
    {"DEBUG", "DEMO", "DEFAULT_FROM_EMAIL", "LOG_LEVEL", "PLATFORM_DOMAIN", "PORT", "SECURE_SSL_REDIRECT"}
    | {"SINGLE_TENANT", "VAR_DIR", "DATABASE_POOL_SIZE", "READY_SCHEMAS", "FIELD_KEYS"}
    | {"DNS_SERVERS", "EDGE_ADDRESSES", "EDGE_HOST", "MAIL_SPF_DOMAIN", "GOOGLE_CLIENT_ID"}
    | {"SSO_PRIVATE_ADDRESSES", "SERVICE_PRIVATE_ADDRESSES"}
)
KINDS = ("_URL", "_URLS", "_KEY", "_KEY_ID", "_TOKEN", "_SECRET", "_DSN", "_SID", "_PASSWORD")


def environment(env: Mapping[str, str], hold: Use) -> dict[str, str]:
    """The caller's environment without the settings of any installation, pointed at the throw-away services."""
    kept = {name: value for name, value in env.items() if not is_setting(name.removesuffix("_FILE"))}
    kept.update(management.environment(kept, development=True))
    return {**kept, "VAR_DIR": str(hold.places.var), **hold.environment()}


def is_setting(name: str) -> bool:
    """Whether the variable is one that the settings or a provider may read."""
    return name in INSTALLATION or (name.endswith(KINDS) and not name.startswith("PIP_"))


def run(arguments: list[str], *, say: Callable[[str], None]) -> int:
    """Run pytest and return its exit code."""
    base = Path(tempfile.gettempdir()).resolve()
    _remove_abandoned(base)
    os.chdir(places.ROOT)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    on_signals(interrupted, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    var = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    var.chmod(0o711)  # the service account passes through
    try:
        hold = keeper.use(places.find(var), list(keeper.VARIABLES), throwaway=True, say=say)
        try:
            return _suite(hold) if not arguments else _pytest(arguments, hold)
        finally:
            hold.release(wait_s=STOP_S)
    finally:
        shutil.rmtree(var, ignore_errors=True)


def _suite(hold: Use) -> int:
    """Everything: in two processes, and then one by one what watches the whole database server (`alone`)."""
    codes = [_pytest(["-m", "not alone", "-n", "2", "--dist", "loadgroup"], hold), _pytest(["-m", "alone"], hold)]
    return max(codes)


def _pytest(arguments: list[str], hold: Use) -> int:
    guard = Guard()
    try:
        return foreground.run(
            [venv.PYTHON, "-m", "pytest", *arguments], guard=guard, env=environment(os.environ, hold), cwd=places.ROOT
        )
    finally:
        guard.sweep()  # a browser or worker that the suite lost track of
        guard.close()


def _remove_abandoned(base: Path) -> None:
    """Data of runs that were killed together with their keeper."""
    for var in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if var.stat().st_uid == os.geteuid() and not _in_use(var):
                shutil.rmtree(var)


def _in_use(var: Path) -> bool:
    locks = list((var / "services").glob("*.lock"))
    return not locks or any(map(is_held, locks))

"""`bin/manage COMMAND …`: a management command against this installation; what cron calls."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from . import binaries, foreground, keeper, places, venv
from .processes import Guard

STOP_S = 10.0


def environment(env: Mapping[str, str], *, development: bool) -> dict[str, str]:
    """The caller's environment with VAR_DIR absolute, and DEBUG on where this is a development machine.

    The wheel's psql and pg_dump come last on the PATH: `dbshell` works, and a system's own are preferred.
    """
    path = [env.get("PATH", os.defpath), *([str(found)] if (found := binaries.tools()) else [])]
    result = {**env, "VAR_DIR": str(places.var_dir()), "PATH": os.pathsep.join(path)}
    if development and not (result.get("DEBUG") or result.get("DEBUG_FILE")):
        result["DEBUG"] = "1"
    return result


def run(arguments: list[str], *, say: Callable[[str], None]) -> int:
    """Run the command with the services up, and leave them as they were found."""
    names = keeper.wanted(os.environ)
    # Both services given from outside: an installation that is run by somebody, so nothing is assumed about DEBUG.
    env = environment(os.environ, development=bool(names))
    argv: list[str | Path] = [venv.PYTHON, places.ROOT / "manage.py", *arguments]
    if not names:
        os.execve(venv.PYTHON, [str(part) for part in argv], env)
    hold = keeper.use(places.find(places.var_dir()), names, say=say)
    try:
        guard = Guard()
        try:
            return foreground.run(argv, guard=guard, env={**env, **hold.environment()}, cwd=Path.cwd())
        finally:
            guard.close()
    finally:
        hold.release(wait_s=STOP_S)

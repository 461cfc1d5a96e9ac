"""`dev`, `test`, `manage`, and `keep` (the services' keeper): which program runs, and how what goes wrong is shown."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import keeper, problems, venv
from .problems import Problem

REQUIREMENTS = {
    "dev": ("requirements.txt",),
    "test": ("requirements.txt", "requirements-dev.txt"),
    "manage": ("requirements.txt",),
}


def main(arguments: list[str]) -> int:
    """Run one of them; a known problem is one message with its fix and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that knows only ASCII gets a "?"
    name, *rest = arguments
    if name == "keep":
        return keeper.main(*rest)
    try:
        return _run(name, rest)
    except Problem as problem:
        return _explain(name, problem)
    except OSError as error:
        known = problems.from_os_error(error)
        if known is None:
            raise
        return _explain(name, known)
    except KeyboardInterrupt:
        return 130


def _run(name: str, arguments: list[str]) -> int:
    say = _speaker(name)
    venv.ensure(REQUIREMENTS[name], say=say)
    if not os.path.samefile(sys.prefix, venv.VENV):
        # From here on the environment's own Python: it knows where the wheels are.
        os.execv(venv.PYTHON, [str(venv.PYTHON), str(Path(__file__).parent), name, *arguments])
    if name == "dev":
        from . import development  # noqa: PLC0415 - each command loads only what it needs; this runs at every start

        return development.run(arguments, say=say)
    if name == "test":
        from . import testing  # noqa: PLC0415

        return testing.run(arguments, say=say)
    from . import management  # noqa: PLC0415

    return management.run(arguments, say=say)


def _speaker(name: str) -> Callable[[str], None]:
    """What the set-up says. Only `bin/dev` talks on standard output: elsewhere that belongs to the program it runs."""
    stream = sys.stdout if name == "dev" else sys.stderr

    def say(text: str) -> None:
        stream.write(f"{text}\n")
        stream.flush()

    return say


def _explain(name: str, problem: Problem) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"bin/{name}: {problem}\n")
    return 1

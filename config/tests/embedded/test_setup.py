"""From a machine with nothing to a `.venv`: every way it can fail has one message with its fix."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from config.embedded import problems

from .conftest import Checkout, wait_until


@pytest.fixture
def fresh(new_checkout) -> Checkout:
    """A checkout whose `.venv` was never made."""
    checkout = new_checkout("fresh one")
    shutil.rmtree(checkout.path / ".venv")
    return checkout


@pytest.fixture
def path_with(tmp_path):
    """Makes a PATH on which `python3` is this script, beside what every system has."""

    def make(script: str) -> str:
        for program in ("sh", "dirname"):
            (tmp_path / program).symlink_to(str(shutil.which(program)))
        (tmp_path / "python3").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python3").chmod(0o755)
        return str(tmp_path)

    return make


def refused(checkout: Checkout, command: str = "manage", *arguments: str, **env: str) -> str:
    """What a command that must fail said: a message with its fix, and nothing that only a programmer understands."""
    code, said = checkout.run(command, *(arguments or ["show"]), **env)
    assert code == 1, said
    assert f"bin/{command}: " in said
    assert "\n  Fix: " in said
    assert "Traceback" not in said
    return said


def test_python_too_old(fresh, path_with):
    said = refused(fresh, PATH=path_with('[ "$1" = --version ] && echo Python 3.9.2; exit 1'))

    assert "Python 3.11 or newer is needed. The newest one found here is Python 3.9.2." in said
    assert "apt install python3" in said


def test_no_python_at_all(fresh, path_with, tmp_path):
    path = path_with("")
    (tmp_path / "python3").unlink()

    assert "None was found here." in refused(fresh, PATH=path)


def test_venv_module_missing(fresh, path_with, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    path = path_with(f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"')

    said = refused(fresh, PATH=path)

    assert "The venv module of Python" in said
    assert f"sudo apt install python{sys.version_info.major}.{sys.version_info.minor}-venv" in said
    assert not (fresh.path / ".venv").exists()


def test_half_an_environment_and_no_network_and_then_one(fresh):
    """A `kill -9` while pip works leaves `.installing` behind: that environment is made again, a whole one is not."""
    (fresh.path / ".venv" / "bin").mkdir(parents=True)
    (fresh.path / ".venv" / ".installing").touch()
    (fresh.path / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    (fresh.path / "requirements.txt").write_text("no-such-package-here==1.0\n")
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}

    said = refused(fresh, **offline)

    assert "left half-made; making it again" in said
    assert "pip could not fetch what requirements.txt needs" in said
    assert "Check the network" in said
    assert not (fresh.path / ".venv" / ".installed").exists()

    witness = fresh.path / ".venv" / "witness"
    witness.touch()
    (fresh.path / "requirements.txt").write_text("# nothing\n")
    said = refused(fresh)
    assert "wheels are not installed in .venv" in said  # pip went well; this product asks for no wheels
    assert witness.exists()
    assert {path.name for path in (fresh.path / ".venv").glob(".inst*")} == {".installed"}


def test_a_kill_during_the_installation_leaves_nothing_running(fresh):
    started = fresh.start("manage", "show")
    wait_until(
        "the environment to be made",
        lambda: any("-m venv" in command or "ensurepip" in command for command in fresh.processes().values()),
    )

    started.kill()

    fresh.nothing_runs()
    assert not (fresh.path / ".venv" / ".installed").exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("FATAL: could not write file: No space left on device", "is full"),
        ("OSError: [Errno 122] Disk quota exceeded", "is full"),
        ("FATAL: could not map anonymous shared memory: Cannot allocate memory", "no memory"),
    ],
)
def test_what_a_program_said_last_becomes_a_named_problem(said, expected):
    problem = problems.from_output(said, Path("/data"))

    assert problem is not None
    assert expected in str(problem)
    assert problem.fix


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (28, "The disk that holds /data is full"),
        (122, "The disk that holds /data is full"),
        (13, "may not write to /data"),
        (30, "/data is on a read-only file system"),
        (17, "/data cannot be a directory"),
        (20, "/data cannot be a directory"),
        (12, "no memory or processes left"),
        (24, "Too many files are open"),
    ],
)
def test_a_failed_system_call_becomes_a_named_problem(number, expected):
    problem = problems.from_os_error(OSError(number, os.strerror(number), "/data"))

    assert problem is not None
    assert expected in problem.message


def test_an_unknown_failure_keeps_its_traceback():
    assert problems.from_os_error(OSError(5, "Input/output error", "/data")) is None

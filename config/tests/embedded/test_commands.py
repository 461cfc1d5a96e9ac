"""`bin/test` and `bin/dev`, over the tiny product."""

import contextlib
import json
import os
import random
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from config import env
from config.embedded import testing

from .conftest import PATIENCE_S, Checkout, read_until, wait_until


def free_port() -> int:
    """A port nobody listens on, below those that the system gives away: nobody takes it before it is used."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def page(port: int, path: str = "/", host: str = "127.0.0.1") -> str:
    """What the tiny product answers."""
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=PATIENCE_S) as response:
        return str(response.read().decode())


def abandoned(checkout: Checkout) -> list[Path]:
    """Data of its test runs that is lying about."""
    return list(checkout.path.parent.glob(f"{testing.PREFIX}*"))


# --- bin/test -------------------------------------------------------------------------------------


@pytest.fixture
def suite(checkout) -> Path:
    """A file of tests for the tiny product."""
    (checkout.path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:django -p no:cacheprovider\n")
    return Path(checkout.path / "test_tiny.py")


def test_the_suite_runs_on_services_of_its_own_and_its_exit_code_is_pytests(checkout, suite):
    suite.write_text(
        "import json, os, psycopg\n"
        "def test_write_down():\n"
        "    with psycopg.connect(os.environ['DATABASE_URL'], autocommit=True) as c:\n"
        "        c.execute('create table leaves_no_trace ()')\n"
        "        fsync = c.execute('show fsync').fetchone()[0]\n"
        "    open('env.json', 'w').write(json.dumps({**os.environ, 'fsync': fsync}))\n"
        "    assert not 'a failure, to see the exit code'\n"
    )
    given = {
        "DATABASE_URL": "postgres://live.example/x",
        "REDIS_URL": "redis://live.example/0",
        "SECRET_KEY_FILE": "/x",
        "STRIPE_BASE_URL": "http://live.example",
    }

    code, said = checkout.run("test", "test_tiny.py", KEPT="1", TMPDIR=str(checkout.path.parent), **given)

    assert code == 1, said
    assert "1 failed" in said
    seen = json.loads((checkout.path / "env.json").read_text())
    assert seen["DATABASE_URL"].startswith("postgres://app@/app?host=/")
    assert seen["VAR_DIR"] != str(checkout.var)
    assert (seen["KEPT"], seen["fsync"]) == ("1", "off")
    assert "SECRET_KEY_FILE" not in seen
    assert "STRIPE_BASE_URL" not in seen
    wait_until("its data to go", lambda: not abandoned(checkout))
    checkout.nothing_runs()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_suite_leaves_nothing(checkout, suite, number):
    suite.write_text(
        "import subprocess, sys, time\n"
        "def test_long():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "    open('started', 'w').close()\n"
        "    time.sleep(600)\n"
    )
    started = checkout.path / "started"
    run = checkout.start("test", "test_tiny.py", TMPDIR=str(checkout.path.parent))
    wait_until("the suite to start", started.exists)

    os.kill(run.pid, number)

    run.communicate()
    started.unlink()
    checkout.nothing_runs()
    wait_until("its data to go", lambda: not abandoned(checkout))


def test_no_setting_of_an_installation_reaches_the_tests():
    """Every variable that the settings ask for is cleared by `bin/test`: a new one must be on its list."""
    assert env.known
    assert {name for name in env.known if not testing.is_setting(name)} == set()


# --- bin/dev --------------------------------------------------------------------------------------


def test_everything_starts_recovers_and_stops(checkout):
    port = free_port()
    dev = checkout.start("dev", PORT=str(port))
    read_until(dev, "Ready: ")

    # Killed outright, it leaves nothing; the next start picks up what that broke.
    dev.kill()
    dev.communicate()
    checkout.nothing_runs()
    dev = checkout.start("dev", PORT=str(port))
    said = read_until(dev, "Ready: ")

    assert said.endswith(f"Ready: http://localhost:{port}\n")
    assert page(port) == "open"
    if socket.has_ipv6:
        assert page(port, host="[::1]") == "open"
    wait_until(
        "all programs to run",
        lambda: all(
            any(word in text for text in checkout.processes().values())
            for word in ("daphne", " worker ", " beat ", "outbox run")
        ),
    )

    # A second one says where the first is.
    code, refusal = checkout.run("dev", PORT=str(free_port()))
    assert code == 1
    assert f"already running at http://localhost:{port} (process {dev.pid})" in refusal

    # A command shares its services.
    assert checkout.ask("select 1") == [[1]]

    # The web process is killed: it comes back, and meanwhile visitors wait instead of being refused.
    first = int(page(port, "/pid"))
    os.kill(first, signal.SIGKILL)
    assert int(page(port, "/pid")) != first
    assert "web was ended by SIGKILL; starting it again in 1 s" in read_until(dev, "starting it again")

    os.killpg(dev.pid, signal.SIGINT)  # what Ctrl-C does
    dev.communicate()
    assert dev.returncode == 0
    checkout.nothing_runs()
    socket.create_server(("127.0.0.1", port)).close()  # the port is free


def test_a_port_that_is_taken_is_named_with_its_holder(checkout):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        code, said = checkout.run("dev", PORT=str(port))

    assert code == 1
    assert f"Port {port} is taken by process {os.getpid()}" in said
    assert "use another port: PORT=" in said
    checkout.nothing_runs()


@pytest.mark.parametrize("value", ["abc", "0", "70000", "-1", "8000.5"])
def test_a_port_that_is_none_is_refused(checkout, value):
    code, said = checkout.run("dev", PORT=value)

    assert code == 1
    assert f"PORT is {value!r}" in said
    assert "PORT=8000 bin/dev" in said


def test_a_failing_migration_stops_the_start_with_its_reason(checkout):
    code, said = checkout.run("dev", PORT=str(free_port()), BROKEN="1")

    assert code == 1
    assert "the settings are wrong" in said
    assert "Bringing the database up to date failed" in said
    checkout.nothing_runs()


def test_bin_dev_takes_no_arguments(checkout: Checkout):
    code, said = checkout.run("dev", "--port", "9000")

    assert code == 1
    assert "takes no arguments, got --port 9000" in said

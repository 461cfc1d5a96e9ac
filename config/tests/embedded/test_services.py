"""PostgreSQL and Redis of one installation: shared, stopped after the last user, and repaired after the worst."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import Checkout, wait_until

LONG = "a name with spaces and ão, " + "long " * 30


def postmaster(checkout: Checkout) -> int:
    """Process id of the running PostgreSQL."""
    return int((checkout.data / "postmaster.pid").read_text().split()[0])


def kill(checkout: Checkout, *words: str) -> None:
    """`kill -9` on every process of the checkout whose command line has one of the words; all without one."""
    for pid, command in checkout.processes().items():
        if not words or any(word in command for word in words):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)


def test_a_command_finds_both_services_and_leaves_nothing_running(checkout):
    env = checkout.answer("show")

    assert env["DATABASE_URL"].startswith("postgres://app@/app?host=/")
    assert env["REDIS_URL"].startswith("unix:///")
    assert env["VAR_DIR"] == str(checkout.var)
    assert env["DEBUG"] == "1"
    checkout.nothing_runs()
    assert not Path(env["REDIS_URL"].removeprefix("unix://").split("?")[0]).parent.exists()


def test_a_long_path_with_spaces_works_and_keeps_its_data(new_checkout):
    checkout = new_checkout(LONG.strip())

    checkout.ask("create extension vector; create table kept (note vector(2)); insert into kept values ('[1,2]')")

    command = checkout.hold()
    assert command.ask("select note::text, current_setting('server_version_num')::int / 10000 from kept") == [
        ["[1,2]", 18]
    ]
    assert command.ask("PING") == "+PONG"
    command.end()


def test_two_checkouts_at_once_do_not_meet(checkout, new_checkout, data):
    other = new_checkout("second", data=data)
    here, there = checkout.hold(), other.hold()

    here.ask("create table only_here ()")

    assert there.ask("select to_regclass('only_here')") == [[None]]
    assert here.ask("select to_regclass('only_here')::text") == [["only_here"]]
    here.end()
    there.end()
    checkout.nothing_runs()
    other.nothing_runs()


def test_the_services_stay_until_the_last_command_has_ended(checkout):
    first = checkout.hold()
    second = checkout.hold()
    running = postmaster(checkout)

    first.end()
    assert second.ask("select 1") == [[1]]
    assert checkout.run("manage", "exit", "7")[0] == 7  # a third comes and goes; its exit code is passed on
    assert postmaster(checkout) == running

    second.end()
    checkout.nothing_runs()


def test_a_killed_command_leaves_nothing_running(checkout):
    command = checkout.hold("runaway")

    command.process.kill()

    checkout.nothing_runs()


def test_killed_servers_are_started_again_with_their_data(checkout):
    command = checkout.hold()
    command.ask("create table survivor (n int); insert into survivor values (1)")

    os.kill(postmaster(checkout), signal.SIGKILL)
    kill(checkout, "redis-server")

    wait_until("PostgreSQL to answer", lambda: command.ask("select count(*) from survivor") == [[1]])
    wait_until("Redis to be there", lambda: any("redis-server" in text for text in checkout.processes().values()))
    wait_until("Redis to answer", lambda: checkout.run("manage", "ask", "PING") == (0, '"+PONG"\n'))
    command.end()
    checkout.nothing_runs()


def test_after_everything_was_killed_at_once_the_next_start_finds_its_data(checkout):
    command = checkout.hold()
    command.ask("create table rescued (n int); insert into rescued values (7)")

    kill(checkout)
    checkout.nothing_runs()

    assert (checkout.data / "postmaster.pid").exists()  # what a crash leaves behind
    assert checkout.ask("select n from rescued") == [[7]]


def test_a_killed_keeper_takes_its_services_along(checkout):
    command = checkout.hold()

    kill(checkout, " keep ")

    wait_until(
        "PostgreSQL and Redis to end",
        lambda: not any("postgres" in text or "redis-server" in text for text in checkout.processes().values()),
    )
    assert checkout.ask("select 1") == [[1]]  # while the first command still runs
    command.end()
    checkout.nothing_runs()


def test_a_process_number_given_to_another_program_does_not_stop_the_start(checkout):
    checkout.manage("show")
    stranger = subprocess.Popen(["sleep", "600"])
    pidfile = checkout.data / "postmaster.pid"
    pidfile.write_text(f"{stranger.pid}\n{pidfile.parent}\n1\n5432\n\n\n")

    try:
        assert checkout.ask("select 1") == [[1]]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_half_of_a_database_is_made_again(new_checkout):
    checkout = new_checkout()
    services = checkout.var / "services"
    (services / "pg.partial" / "base").mkdir(parents=True)
    (services / "pg.partial" / "PG_VERSION").write_text("18\n")
    (services / "state.json").write_text("{")

    assert checkout.ask("select 1") == [[1]]
    assert not (services / "pg.partial").exists()


def test_a_start_that_is_killed_on_the_way_is_made_good_by_the_next(new_checkout):
    checkout = new_checkout()
    started = checkout.start("manage", "show")
    wait_until("the making of the database", lambda: any("initdb" in c for c in checkout.processes().values()))

    kill(checkout)
    started.communicate()
    checkout.nothing_runs()

    assert checkout.ask("select 1") == [[1]]


def test_a_broken_journal_of_redis_is_put_aside(checkout):
    checkout.manage("ask", "PING")
    journal = checkout.var / "services" / "redis" / "appendonly.aof"
    journal.write_bytes(b"this is no journal\n" * 10)

    assert "+PONG" in checkout.manage("ask", "PING")
    assert list(journal.parent.glob("*.broken-*"))


def test_a_service_given_from_outside_is_not_started(checkout):
    env = checkout.answer("show", DATABASE_URL="postgres://somebody@db.example/else")

    assert env["DATABASE_URL"] == "postgres://somebody@db.example/else"
    assert env["REDIS_URL"].startswith("unix:///")


def test_with_both_given_from_outside_nothing_is_started_or_assumed(checkout):
    env = checkout.answer("show", DATABASE_URL="postgres://db.example/x", REDIS_URL="redis://cache.example/0")

    assert "DEBUG" not in env
    assert env["REDIS_URL"] == "redis://cache.example/0"


def test_a_command_that_needs_more_than_is_running_says_so(checkout):
    first = checkout.hold(DATABASE_URL="postgres://db.example/x")

    code, said = checkout.run("manage", "show")

    assert code == 1
    assert "without its own postgres" in said
    first.end()
    checkout.nothing_runs()


def test_the_sockets_are_closed_to_other_users(checkout, nobody):
    command = checkout.hold()
    run = Path(checkout.state()["run"])

    assert run.stat().st_mode & 0o777 == 0o700
    other = {"user": 1, "group": 1, "extra_groups": []}  # neither root nor nobody
    refused = subprocess.run(["ls", run], capture_output=True, text=True, check=False, **other)
    assert "Permission denied" in refused.stderr
    command.end()
    checkout.nothing_runs()


def test_a_socket_directory_that_somebody_else_made_first_is_not_used(checkout, nobody):
    command = checkout.hold()
    run = Path(checkout.state()["run"])
    command.end()
    checkout.nothing_runs()
    run.mkdir()  # root's, and open to everybody
    try:
        command = checkout.hold()
        assert checkout.state()["run"] == f"{run}-1"
        command.end()
        checkout.nothing_runs()
    finally:
        run.rmdir()


def test_an_ordinary_user_runs_it_too(new_checkout, nobody, data):
    checkout = new_checkout("of nobody", nobody, data=data)

    command = checkout.hold()

    assert command.ask("select 1") == [[1]]
    assert command.ask("PING") == "+PONG"
    assert checkout.data.stat().st_uid == nobody.uid
    command.end()
    checkout.nothing_runs()


def test_below_a_closed_directory_root_keeps_the_data_where_it_can_be_reached(new_checkout, nobody):
    checkout = new_checkout()
    checkout.path.parent.chmod(0o700)

    said = checkout.manage("ask", "create table kept (); select 5")

    outside = checkout.data.readlink()
    assert f"The data is in {outside.parent}" in said
    assert (outside / "PG_VERSION").exists()
    assert checkout.path.parent.stat().st_mode & 0o777 == 0o700  # nothing was opened for it
    checkout.path.parent.chmod(0o755)
    assert checkout.ask("select to_regclass('kept')::text") == [["kept"]]  # and the data stays there


def test_data_whose_way_was_closed_moves_along(new_checkout, nobody, data):
    checkout = new_checkout(data=data)
    checkout.manage("ask", "create table kept ()")

    checkout.path.parent.chmod(0o700)

    assert checkout.ask("select to_regclass('kept')::text") == [["kept"]]


def test_data_of_another_user_is_refused_with_the_fix(new_checkout, nobody, data):
    checkout = new_checkout("mixed", visitor=nobody, data=data)
    checkout.manage("show")
    nobody.own(checkout.var / "services")
    for name in ("services/users.lock", "services/start.lock", "services/keeper.lock", "log", "log/services.log"):
        nobody.own(checkout.var / name)
    other = 1
    os.chown(checkout.data, other, other)
    checkout.account = nobody

    code, said = checkout.run("manage", "show")

    assert code == 1
    assert "belongs to daemon" in said
    assert "sudo chown -R" in said


def test_a_directory_without_write_permission_is_named_with_the_fix(new_checkout, request):
    if os.geteuid() == 0:
        nobody = request.getfixturevalue("nobody")
        checkout = new_checkout(visitor=nobody)
        checkout.account = nobody
    else:
        checkout = new_checkout()
        checkout.path.chmod(0o555)

    code, said = checkout.run("manage", "show")

    checkout.path.chmod(0o755)
    assert code == 1
    assert f"may not write to {checkout.var}" in said
    assert "VAR_DIR=" in said
    assert "Traceback" not in said


def test_a_file_in_the_place_of_var_dir_is_named_with_the_fix(checkout):
    code, said = checkout.run("manage", "show", VAR_DIR=str(checkout.path / "manage.py"))

    assert code == 1
    assert f"{checkout.path / 'manage.py'}" in said
    assert "VAR_DIR=/path/you/own" in said
    assert "Traceback" not in said


def test_a_full_disk_is_said_so(new_checkout, nobody):
    checkout = new_checkout()
    checkout.var.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", checkout.var], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        code, said = checkout.run("manage", "show")
    finally:
        subprocess.run(["umount", "-l", checkout.var], check=True)

    assert code == 1
    assert "is full" in said or "MB free" in said
    assert "VAR_DIR=/path/with/space" in said
    assert "Traceback" not in said


def test_a_second_keeper_gives_way(checkout):
    command = checkout.hold()

    second = subprocess.run(
        [
            checkout.path / ".venv/bin/python",
            checkout.path / "config/embedded",
            "keep",
            checkout.var,
            "lasting",
            "1",
            "redis",
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert "Another keeper" in second.stdout
    command.end()
    checkout.nothing_runs()

"""The tiny product's commands: enough to see what the services and their environment are like."""

import json
import os
import socket
import subprocess
import sys
import time


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def sql(text: str) -> None:
    import psycopg  # noqa: PLC0415 - the other commands do without

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute(text)
        say(json.dumps(found.fetchall() if found.description else [], default=str))


def ping() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(os.environ["REDIS_URL"].removeprefix("unix://").split("?")[0])
        client.sendall(b"PING\r\n")
        say(client.recv(64).decode().strip())


def hold(*runaway: str) -> None:
    """Until the input is closed. `runaway`: with a child that leaves the process group and ignores SIGTERM."""
    if runaway:
        subprocess.Popen(
            [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    say("holding")
    sys.stdin.read()


def main(command: str, *arguments: str) -> None:
    if command == "show":
        say(json.dumps(dict(os.environ)))
    elif command == "sql":
        sql(*arguments)
    elif command == "ping":
        ping()
    elif command == "hold":
        hold(*arguments)
    elif command == "exit":
        sys.exit(int(arguments[0]))
    elif command == "outbox":
        time.sleep(600)


main(*sys.argv[1:])

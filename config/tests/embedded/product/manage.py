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


def answer(question: str) -> str:
    """What PostgreSQL says to SQL, and Redis to PING."""
    if question == "PING":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(os.environ["REDIS_URL"].removeprefix("unix://").split("?")[0])
            client.sendall(b"PING\r\n")
            return json.dumps(client.recv(64).decode().strip())
    import psycopg  # noqa: PLC0415 - the other commands do without

    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            found = connection.execute(question)
            return json.dumps(found.fetchall() if found.description else [], default=str)
    except psycopg.OperationalError as error:
        return json.dumps(str(error))


def hold(*runaway: str) -> None:
    """Answer one question a line until the input is closed. `runaway`: with a child that left the process group."""
    if runaway:
        subprocess.Popen(
            [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    say("holding")
    for line in sys.stdin:
        say(answer(line.strip()))


def main(command: str, *arguments: str) -> None:
    if command == "show":
        say(json.dumps(dict(os.environ)))
    elif command == "ask":
        say(answer(*arguments))
    elif command == "hold":
        hold(*arguments)
    elif command == "exit":
        sys.exit(int(arguments[0]))
    elif command == "outbox":
        time.sleep(600)


main(*sys.argv[1:])

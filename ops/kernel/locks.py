"""One worker at a time at a piece of work that spans several transactions."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def place(name: str) -> Iterator[bool]:
    """Whether this is the only worker in this schema at the work called `name`; nobody waits for the other.

    Held by the connection (`pg_try_advisory_lock`), so a worker that is killed leaves it.
    """
    name = f"{connection.schema_name}:{name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])

"""Schemas formed in advance: a customer takes one by a new name instead of waiting until its own is made.

They come from the same prepared script, belong to nobody, stand in no list of tenants, and their comment names the
script. Whoever prepares a tenant renames one that fits, in the transaction of its step; a task makes the next one.
With none at hand the script is replayed as ever. `migrate` throws away what an older script made.
"""

import logging
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from ops.kernel.tasks import enqueue
from tenants.enums import READY_PREFIX
from tenants.models import TemplateScript
from tenants.services import template

log = logging.getLogger(__name__)

# One process fills at a time; and whoever takes or drops a ready schema locks it by this class and its name.
FILLING_LOCK = 0x62616C63_616F03
TAKING_CLASS = 0x62616C63

FITTING = (
    "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) AND obj_description(oid, 'pg_namespace') = %s"
)
ALL = "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY 1"


def mark_of(script: TemplateScript) -> str:
    """What the comment of a ready schema says: the release and the very script it was formed from."""
    return f"ready {script.release_hash} {script.pk}"


def take(*, script: TemplateScript, schema: str, mark: str) -> bool:
    """Give a ready schema that fits the script this name and this comment; False when there is none.

    Inside the caller's transaction: rolled back, the schema is ready again. The caller holds `template.FORMING_LOCK`.
    """
    if not settings.READY_SCHEMAS:
        return False
    fits = [READY_PREFIX, mark_of(script)]
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                f"WITH fitting AS MATERIALIZED ({FITTING} ORDER BY nspname)"  # noqa: S608 — our own words
                " SELECT nspname FROM fitting WHERE pg_try_advisory_xact_lock(%s, hashtext(nspname)) LIMIT 1",
                [*fits, TAKING_CLASS],
            )
            row = cursor.fetchone()
            if row is None:
                return False
            # Somebody may have taken it between the reading and the lock; a statement of its own sees that.
            cursor.execute(FITTING + " AND nspname = %s", [*fits, row[0]])
            if cursor.fetchone() is not None:
                break
        cursor.execute(
            sql.SQL("ALTER SCHEMA {ready} RENAME TO {schema}; COMMENT ON SCHEMA {schema} IS {mark}").format(
                ready=sql.Identifier(row[0]), schema=sql.Identifier(schema), mark=sql.Literal(mark)
            )
        )
    return True


def ask_for_more() -> None:
    """Have the worker replace what was taken, after the commit."""
    if settings.READY_SCHEMAS:
        enqueue("tenants.keep_ready")


def keep() -> int:
    """Form what is missing and drop what no longer fits. Counts the schemas formed; a second caller leaves at once."""
    with template.fresh_connection() as fresh:
        if not _one(fresh, "SELECT pg_try_advisory_lock(%s)", [FILLING_LOCK]):
            return 0
        formed = 0
        try:
            while _form_one(fresh):
                formed += 1
            _discard(fresh, keep=settings.READY_SCHEMAS)
        finally:
            # A closed connection lets go of it a moment later, when whoever asks next has been sent away already.
            fresh.execute("SELECT pg_advisory_unlock(%s)", [FILLING_LOCK])
    return formed


def discard_stale() -> None:
    """Drop the schemas that do not come from the current script."""
    with template.fresh_connection() as fresh:
        _discard(fresh, keep=settings.READY_SCHEMAS)


def _form_one(fresh: psycopg.Connection) -> bool:
    """Form a ready schema unless there are enough. Locked out while `migrate` changes the template."""
    with fresh.transaction():
        fresh.execute("SELECT pg_advisory_xact_lock_shared(%s)", [template.FORMING_LOCK])
        script = template.newest()
        if script is None or len(_fitting(fresh, script)) >= settings.READY_SCHEMAS:
            return False
        if template.bears_its_name(script):
            # A rename would leave the old name inside a function or a row. The replay replaces it there.
            log.warning("The prepared script holds the schema's name as text: no schema is formed in advance.")
            return False
        name = READY_PREFIX + uuid4().hex[:16]
        fresh.execute(template.forming(script, name, mark=mark_of(script)), prepare=False)
    return True


def _discard(fresh: psycopg.Connection, *, keep: int) -> None:
    script = template.newest()
    kept = set(_fitting(fresh, script)[:keep]) if script else set()
    for name, _ in fresh.execute(ALL, [READY_PREFIX]).fetchall():
        if name in kept:
            continue
        with fresh.transaction():
            if _one(fresh, "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [TAKING_CLASS, name]):
                fresh.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def _fitting(fresh: psycopg.Connection, script: TemplateScript) -> list[str]:
    return [name for name, comment in fresh.execute(ALL, [READY_PREFIX]).fetchall() if comment == mark_of(script)]


def _one(fresh: psycopg.Connection, question: str, values: list[object]) -> bool:
    row = fresh.execute(question.encode(), values).fetchone()
    return bool(row and row[0])

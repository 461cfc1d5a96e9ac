"""SQL of one tenant from the event loop, without a thread and without the ORM: for the few statements that sockets
run all day.

Each statement is its own transaction, so what must be written together is one SQL function. The connections are not
Django's; they are this event loop's own, and each remembers whose schema it looks into. Nothing else is kept between
two statements, and a connection on which the switch failed is thrown away.
"""

import asyncio
import functools
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from psycopg import AsyncConnection, sql
from psycopg import InterfaceError as LinkBroken
from psycopg import OperationalError as LinkRefused
from psycopg_pool import AsyncConnectionPool, PoolTimeout

# Connections beyond this wait their turn: a statement takes a millisecond, and PostgreSQL has few processors.
MOST = 8
WAIT_S = 10
# A socket's statement that takes longer waits for a lock nobody gives back.
STATEMENT_TIMEOUT_MS = 15_000
# Statements a connection keeps prepared, over all schemas.
MOST_PREPARED = 400

_pools: "WeakKeyDictionary[asyncio.AbstractEventLoop, Pool]" = WeakKeyDictionary()


class Link(AsyncConnection[tuple[Any, ...]]):
    """A connection that knows which schema its search path names."""

    schema: str | None = None
    # Schemas it has worked for: their plans are made, and made again on every other connection.
    known: frozenset[str] = frozenset()

    async def enter(self, schema: str) -> None:
        """Look into this schema from now on; nothing to do when it already does."""
        if self.schema == schema:
            return
        self.schema = None
        await self.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(schema)))
        self.schema, self.known = schema, self.known | {schema}


_wanted: ContextVar[str] = ContextVar("wanted", default="")


class Pool(AsyncConnectionPool[Link]):
    """Gives a connection that looks into the schema, else one that has worked for it, else the one used last.

    A connection needs about ten milliseconds to learn a schema, so few of them learn many, and those that are not
    needed are closed again.
    """

    async def _get_ready_connection(self, timeout: float | None) -> Link | None:  # noqa: ASYNC109 — the library's
        # The library's own step under its own lock; should a release call it otherwise, only this preference is lost.
        if len(self._pool) > 1:
            wanted = _wanted.get()
            best = max(enumerate(self._pool), key=lambda one: (one[1].schema == wanted, wanted in one[1].known, one[0]))
            del self._pool[best[0]]
            self._pool.appendleft(best[1])
        return await super()._get_ready_connection(timeout)


async def rows(schema: str, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run one statement in this schema and give its rows; `{schema}` in it is the schema's quoted name.

    Raises Django's `OperationalError` and `InterfaceError`, as the ORM does when the database is away.
    """
    _wanted.set(schema)
    try:
        async with (await _pool()).connection() as link:
            await link.enter(schema)
            return await (await link.execute(_named(schema, statement), values)).fetchall()
    except (LinkRefused, PoolTimeout) as error:
        raise OperationalError(*error.args) from error
    except LinkBroken as error:
        raise InterfaceError(*error.args) from error


@functools.lru_cache(maxsize=4096)
def _named(schema: str, statement: str) -> bytes:
    """The statement with the schema's name in it.

    PostgreSQL plans a prepared statement again whenever the search path is another one. A statement of each schema is
    only ever used under its own path, so its plan stays.
    """
    return statement.replace("{schema}", sql.Identifier(schema).as_string()).encode()


async def row(schema: str, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
    """The first row of a statement, or nothing."""
    found = await rows(schema, statement, values)
    return found[0] if found else None


async def close() -> None:
    """Give this event loop's connections back; they are made again when somebody asks."""
    pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.close()


async def _pool() -> Pool:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = Pool(
            kwargs=_parameters(),
            connection_class=Link,
            min_size=0,
            max_size=min(MOST, settings.DATABASE_POOL_SIZE),
            timeout=WAIT_S,
            max_idle=120,
            configure=_prepare_more,
            open=False,
            name="sockets",
        )
        await pool.open()
    return pool


async def _prepare_more(link: "Link") -> None:
    link.prepared_max = MOST_PREPARED


def _parameters() -> dict[str, Any]:
    known = connections[DEFAULT_DB_ALIAS].settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options = {name: value for name, value in known["OPTIONS"].items() if name not in {"pool", "options"}}
    return {
        **{name: known[key] for name, key in named.items() if known[key]},
        **options,
        "autocommit": True,
        # The few statements here find rows by their keys: a plan made once fits every value.
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c plan_cache_mode=force_generic_plan"
        f" {known['OPTIONS'].get('options', '')}".strip(),
    }

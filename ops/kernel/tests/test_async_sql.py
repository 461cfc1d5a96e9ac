import asyncio

import pytest
from django.db import OperationalError

from ops.kernel import async_sql

pytestmark = pytest.mark.transactional

WHERE = "SELECT current_schema(), to_regclass('chat_message')::text IS NOT NULL"


@pytest.fixture(autouse=True)
async def own_connections():
    yield
    await async_sql.close()


async def test_every_statement_looks_into_its_own_schema(acme, beta, monkeypatch):
    monkeypatch.setattr(async_sql, "MOST", 2)
    schemas = ["t_acme", "t_beta", "public"] * 20

    found = await asyncio.gather(*(async_sql.row(schema, WHERE) for schema in schemas))

    assert [row[0] for row in found] == schemas
    assert {row[1] for row in found[2::3]} == {False}


async def test_a_schema_whose_switch_fails_is_not_left_half_entered(acme):
    assert await async_sql.row("t_acme", "SELECT count(*) >= 0 FROM chat_message") == (True,)
    with pytest.raises(Exception, match="no_such"):
        await async_sql.row("t_acme", "SELECT * FROM no_such_table")

    assert (await async_sql.row("public", "SELECT current_schema()")) == ("public",)
    assert (await async_sql.row("t_acme", "SELECT current_schema()")) == ("t_acme",)


async def test_a_broken_connection_is_replaced(acme):
    (pid,) = await async_sql.row("t_acme", "SELECT pg_backend_pid()")
    with pytest.raises(OperationalError):
        await async_sql.row("t_acme", "SELECT pg_terminate_backend(pg_backend_pid())")

    (other,) = await async_sql.row("t_acme", "SELECT pg_backend_pid()")

    assert other != pid

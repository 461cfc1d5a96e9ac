import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest

from ops.kernel.together import Together


def socket(schema):
    return SimpleNamespace(tenant=SimpleNamespace(schema_name=schema))


class Counting:
    """Answers with the schema that asked and the question doubled; refuses odd ones; waits to be let go."""

    def __init__(self):
        self.trips = []
        self.go = asyncio.Event()

    async def __call__(self, speaker, questions):
        self.trips.append((speaker.tenant.schema_name, tuple(questions)))
        await self.go.wait()
        return [ValueError(one) if one % 2 else (speaker.tenant.schema_name, one * 2) for one in questions]


async def asked(together, schema, *questions):
    tasks = [asyncio.ensure_future(together.ask(socket(schema), one)) for one in questions]
    await asyncio.sleep(0)
    return tasks


async def test_one_who_comes_alone_is_answered_at_once():
    answer = Counting()
    answer.go.set()
    together = Together(answer)

    assert await together.ask(socket("a"), 2) == ("a", 4)
    assert await together.ask(socket("a"), 4) == ("a", 8)

    assert answer.trips == [("a", (2,)), ("a", (4,))]
    assert not any(together.lines.values())


async def test_those_who_come_meanwhile_share_a_question_and_each_gets_their_own_answer():
    answer = Counting()
    together = Together(answer)
    first = await asked(together, "a", 2)
    others = await asked(together, "a", 4, 3, 6)

    answer.go.set()
    found = await asyncio.gather(*first, *others, return_exceptions=True)

    assert [found[0], found[1], found[3]] == [("a", 4), ("a", 8), ("a", 12)]
    assert isinstance(found[2], ValueError)
    assert sorted(question for _, trip in answer.trips for question in trip) == [2, 3, 4, 6]
    assert len(answer.trips) <= 2


async def test_tenants_share_nothing():
    answer = Counting()
    together = Together(answer)
    tasks = await asked(together, "a", 2, 4) + await asked(together, "b", 2, 4)

    answer.go.set()

    assert Counter(await asyncio.gather(*tasks)) == Counter([("a", 4), ("a", 8), ("b", 4), ("b", 8)])


async def test_who_hangs_up_takes_nobody_along():
    answer = Counting()
    together = Together(answer)
    (gone,) = await asked(together, "a", 2)
    (stays,) = await asked(together, "a", 4)
    gone.cancel()

    answer.go.set()

    assert await stays == ("a", 8)


async def test_a_failure_reaches_everybody_and_the_next_are_served():
    async def broken(_speaker, _questions):
        raise ConnectionResetError

    together = Together(broken)
    for found in await asyncio.gather(*await asked(together, "a", 2, 4), return_exceptions=True):
        assert isinstance(found, ConnectionResetError)

    with pytest.raises(ConnectionResetError):
        await together.ask(socket("a"), 6)

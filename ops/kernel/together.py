"""Questions that many sockets have at the same moment, asked once for all of them.

After a restart everybody comes back within seconds, and each has the same few questions to the database. One who comes
alone is answered at once; those who come while that goes on are answered together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

Q = TypeVar("Q")
A = TypeVar("A")

# How long others are waited for once several came at the same moment.
PAUSE_S = 0.03
MOST_AT_ONCE = 200


class Line(Generic[Q, A]):
    """Those of one tenant who wait for an answer, and the task that serves them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self.task: asyncio.Task[None] | None = None


class Together(Generic[Q, A]):
    """`answer(socket, questions)` gives an answer, or an error, for each; `socket` speaks for others of its tenant.

    Tenants never share a question: each has a line of its own.
    """

    def __init__(self, answer: Callable[[Any, Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> None:
        self.answer = answer
        self.lines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Line[Q, A]]] = WeakKeyDictionary()

    async def ask(self, socket: Any, question: Q) -> A:
        """The answer to one question; raises the error that stands in its place."""
        loop = asyncio.get_running_loop()
        lines = self.lines.setdefault(loop, {})
        schema = socket.tenant.schema_name
        line = lines.get(schema)
        if line is None:
            line = lines[schema] = Line()
            # A task of its own: the others are served even when whoever came first hangs up.
            line.task = loop.create_task(self._serve(socket, lines, line))
        future: asyncio.Future[A] = loop.create_future()
        line.waiting.append((question, future))
        return await future

    async def _serve(self, socket: Any, lines: dict[str, Line[Q, A]], line: Line[Q, A]) -> None:
        try:
            while line.waiting:
                asked, line.waiting = line.waiting[:MOST_AT_ONCE], line.waiting[MOST_AT_ONCE:]
                await self._answer(socket, asked)
                if line.waiting:
                    await asyncio.sleep(PAUSE_S)
        finally:
            del lines[socket.tenant.schema_name]

    async def _answer(self, socket: Any, asked: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers: Sequence[A | Exception] = await self.answer(socket, [question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 — raised where each of them asked
            answers = [error] * len(asked)
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # who asked has hung up
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

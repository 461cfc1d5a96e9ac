"""Frames on their way to one socket: in order, without waiting for anybody, and not without end.

Daphne takes every frame at once and piles it up for a reader that does not read. So we watch its transport: while that
is full, frames wait here, and when too many wait the socket is given up; the client comes back and asks for what it
missed. A server that makes `send` wait (as ASGI wants it) is waited for by a task.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger(__name__)

# A reader this far behind does not read.
MOST_WAITING = 256
# Frames the socket's own answers may be ahead, such as a long replay.
COMFORTABLE = 64


class Outgoing:
    """What one socket still has to be told. `too_slow` is called once, when it will never catch up."""

    def __init__(self, send: Callable[[dict[str, Any]], Any], *, too_slow: Callable[[], None]) -> None:
        self.send = send
        self.too_slow = too_slow
        self.waiting: deque[str] = deque()
        self.behind: list[str] | None = None
        self.closed = False
        self.congested = False
        self.room = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        # Daphne's `send` is its protocol's method, wrapped; its transport says when it is full.
        self.protocol = next((one for one in getattr(send, "args", ()) if hasattr(one, "sendMessage")), None)
        if self.protocol is not None:
            transport = self.protocol.transport
            with contextlib.suppress(Exception):
                transport.unregisterProducer()
            transport.registerProducer(self, True)

    def push(self, text: str) -> None:
        """Send a frame, now or as soon as the ones before it are gone."""
        if self.closed:
            return
        if self.behind is not None:
            self.behind.append(text)
            waits = len(self.behind)
        elif self.protocol is not None and not self.congested and not self.waiting:
            self._write(text)
            return
        else:
            self.waiting.append(text)
            waits = len(self.waiting)
            if self.protocol is None and (self.task is None or self.task.done()):
                self.task = asyncio.create_task(self._drain())
        if waits > MOST_WAITING:
            self.close()
            self.too_slow()

    async def answer(self, text: str) -> None:
        """Send a frame of the socket's own, before everything that is held, waiting for room in a long row of them."""
        held, self.behind = self.behind, None
        try:
            self.push(text)
        finally:
            self.behind = held
        while len(self.waiting) > COMFORTABLE and not self.closed:
            self.room.clear()
            await self.room.wait()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What others say waits until the block has answered: what was missed comes before what is new."""
        if self.behind is not None:
            yield
            return
        self.behind = []
        try:
            yield
        finally:
            # Nothing waits any more when last words were said meanwhile.
            later, self.behind = self.behind or [], None
            for text in later:
                self.push(text)

    def last_words(self, text: str, code: int) -> None:
        """Say something and close, at once: the process ends."""
        self.behind = None
        self.push(text)
        if self.protocol is not None and self.protocol.state == self.protocol.STATE_OPEN:
            # `sendClose` refuses the codes that are a server's own to use, such as 1012.
            self.protocol.sendCloseFrame(code=code)

    async def flush(self) -> None:
        """Wait until a server that makes us wait has taken everything."""
        if self.task is not None:
            await self.task

    def close(self) -> None:
        """Nothing more leaves."""
        self.closed = True
        self.waiting.clear()
        self.room.set()

    def _write(self, text: str) -> None:
        if self.protocol.state == self.protocol.STATE_OPEN:  # type: ignore[union-attr]
            self.protocol.sendMessage(text.encode(), False)  # type: ignore[union-attr]

    async def _drain(self) -> None:
        while self.waiting:
            await self.send({"type": "websocket.send", "text": self.waiting.popleft()})
            if len(self.waiting) <= COMFORTABLE:
                self.room.set()

    # --- What Twisted tells whoever writes ---

    def pauseProducing(self) -> None:
        """The transport is full."""
        self.congested = True

    def resumeProducing(self) -> None:
        """The transport has room again."""
        self.congested = False
        while self.waiting and not self.congested and not self.closed:
            self._write(self.waiting.popleft())
        if len(self.waiting) <= COMFORTABLE:
            self.room.set()

    def stopProducing(self) -> None:
        """The line is gone."""
        self.close()

"""A restart that nobody notices: everybody is told before the line goes, and not to come back all at once."""

import asyncio
import random
import sys
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from chat.queries import wire

CLOSE_RESTART = 1012
# Sockets a process greets in a second without making anybody wait.
GREETED_PER_S = 150
LONGEST_S, SHORTEST_S = 10.0, 1.0
# Before that no other process listens, and whoever knocks in vain knocks again later than it had to.
SOONEST_S = 3.0
LAST_WORDS_S = 0.3

_open: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakSet[Any]] = WeakKeyDictionary()


def watch(socket: Any) -> None:
    """Say farewell to this socket when the process is asked to end."""
    loop = asyncio.get_running_loop()
    sockets = _open.get(loop)
    if sockets is None:
        sockets = _open[loop] = WeakSet()
        _before_the_end()
    sockets.add(socket)


def farewell() -> int:
    """Close every socket with 1012, each with its own moment to come back at; says how many."""
    sockets = list(_open.get(asyncio.get_running_loop(), ()))
    spread = min(LONGEST_S - SOONEST_S, max(SHORTEST_S, len(sockets) / GREETED_PER_S))
    for socket in sockets:
        moment = round(SOONEST_S + random.uniform(0, spread), 2)  # noqa: S311 — not a secret
        told = wire.encode({"type": "bye", "code": CLOSE_RESTART, "retry_after": moment})
        socket.outgoing.last_words(told, CLOSE_RESTART)
    return len(sockets)


def _before_the_end() -> None:
    """Daphne runs on Twisted's reactor, which says when it stops; other servers close with 1012 by themselves."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None or not reactor.running:
        return
    from twisted.internet import defer  # noqa: PLC0415 — only where it is the server's

    def leave() -> Any:
        farewell()
        return defer.Deferred.fromFuture(asyncio.ensure_future(asyncio.sleep(LAST_WORDS_S)))

    reactor.addSystemEventTrigger("before", "shutdown", leave)

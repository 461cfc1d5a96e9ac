"""Signs of life of processes that nobody connects to: workers and dispatchers."""

import os
import socket
import time
from typing import Any

from ops.kernel.redis import client

ALIVE_S = 30


def beat(kind: str, *, name: str = "", now: float | None = None) -> None:
    """Say that this process lives. Raises `redis.RedisError`."""
    moment = time.time() if now is None else now
    key = f"heartbeat:{kind}"
    with client().pipeline(transaction=False) as pipe:
        pipe.zadd(key, {name or own_name(): moment})
        pipe.zremrangebyscore(key, "-inf", moment - 3600)
        pipe.execute()


def gone(kind: str, *, name: str = "") -> None:
    """Say that this process ends now, so that nobody waits for it."""
    client().zrem(f"heartbeat:{kind}", name or own_name())


def alive(kind: str, *, now: float | None = None) -> list[str]:
    """Names of the processes of a kind that gave a sign within the last half minute."""
    moment = time.time() if now is None else now
    names: Any = client().zrangebyscore(f"heartbeat:{kind}", moment - ALIVE_S, "+inf")
    return sorted(name.decode() for name in names)


def own_name() -> str:
    """Host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"

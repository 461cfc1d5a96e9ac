"""Rate limits counted in Redis, in one atomic step.

A sliding window of two fixed ones: the count of the previous window fades out linearly, so that a caller
cannot send twice the limit around a window's edge. When Redis is away everything is allowed and logged:
a limit protects the service, and refusing everybody would be the outage it is there to prevent.
"""

import logging
import math
import time
from dataclasses import dataclass

import redis
from django.db import connection

from ops.kernel.redis import client

log = logging.getLogger(__name__)

# KEYS: this window, the one before. ARGV: limit, cost, share of the previous window that still counts, ttl in ms.
SCRIPT = """
local now = tonumber(redis.call('GET', KEYS[1]) or '0')
local before = tonumber(redis.call('GET', KEYS[2]) or '0')
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local used = now + before * tonumber(ARGV[3])
if used + cost > limit then
    return {0, tostring(used)}
end
redis.call('INCRBY', KEYS[1], cost)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, tostring(used + cost)}
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a limit; `reset_s` is the time until all of it is there again."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The three headers of every API answer, and `Retry-After` on a refusal."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }
        if not self.allowed:
            headers["Retry-After"] = str(max(1, self.reset_s))
        return headers


def hit(key: str, *, limit: int, window_s: int, cost: int = 1, now: float | None = None) -> Rate:
    """Count `cost` against `limit` per `window_s` seconds for `key` in the current schema; refused hits cost nothing.

    `limit=0` refuses everything. `now` is seconds since the epoch, for tests.
    """
    if limit <= 0:
        return Rate(allowed=False, limit=0, remaining=0, reset_s=window_s)
    moment = time.time() if now is None else now
    window, into = divmod(moment, window_s)
    prefix = f"rate:{connection.schema_name}:{key}:{window_s}"
    left = math.ceil(window_s - into)
    try:
        allowed, used = client().eval(
            SCRIPT,
            2,
            f"{prefix}:{int(window)}",
            f"{prefix}:{int(window) - 1}",
            limit,
            cost,
            f"{1 - into / window_s:.6f}",
            window_s * 2000,
        )
    except redis.RedisError as error:
        log.error("Rate limit not counted, request allowed: %s", error)
        return Rate(allowed=True, limit=limit, remaining=limit, reset_s=left)
    remaining = max(0, math.floor(limit - float(used)))
    return Rate(allowed=bool(allowed), limit=limit, remaining=remaining, reset_s=left)

"""Rate limits, counted in Redis for all processes together: every limit of a request in one atomic step.

A window of `window_s` seconds slides in sixty steps. What was counted in a step is given back when the step is one
window old, so at most `limit` pass in any window (exact to a sixtieth of it), and the times we tell are true: after
`wait_s` the same request passes, after `reset_s` all of the limit is there again, never later than one window. Redis's
own clock is used, so that processes on several machines agree.

A request has to pass all its limits; when one refuses, none is charged.

**When Redis is away** (no answer; it is then left alone for a second, so that nobody waits for it again and again)
each process counts for itself by the same rules. A limit protects the service, and refusing everybody would be the
outage it is there to prevent; with N processes a caller gets at most N times the limit. What protects people and not
the service, guessing of passwords and codes, is therefore counted in PostgreSQL (`tenants.accounts.services.attempts`).
"""

import functools
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import redis
from django.db import connection
from redis.commands.core import Script

from ops.kernel.redis import client

log = logging.getLogger(__name__)

STEPS = 60
# How long Redis is left alone after it did not answer.
PAUSE_S = 1.0
# Callers that a process counts for itself while Redis is away; beyond that it forgets whoever was quiet longest.
MOST_LOCAL = 20_000

# KEYS: one hash a limit, from the number of a step to what was counted in it.
# ARGV: now in ms (-1: Redis's clock), number of steps, then for every key: limit, length of a step in ms, cost.
# Answers for every key: whether it lets pass, what is used, ms until this cost passes, ms until all is there again.
SCRIPT = """
local now, steps = tonumber(ARGV[1]), tonumber(ARGV[2])
if now < 0 then
    local clock = redis.call('TIME')
    now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
end
local found, passes = {}, true
for i, key in ipairs(KEYS) do
    local limit, length, cost = tonumber(ARGV[i * 3]), tonumber(ARGV[i * 3 + 1]), tonumber(ARGV[i * 3 + 2])
    local here = math.floor(now / length)
    local rows, used, kept, old, newest = redis.call('HGETALL', key), 0, {}, {}, nil
    for j = 1, #rows, 2 do
        local step, count = tonumber(rows[j]), tonumber(rows[j + 1])
        if step <= here - steps then
            old[#old + 1] = rows[j]
        else
            used = used + count
            kept[#kept + 1] = {step, count}
            if newest == nil or step > newest then newest = step end
        end
    end
    local one = {fits = used + cost <= limit, used = used, cost = cost, length = length, here = here, old = old, wait = 0}
    if not one.fits then
        passes = false
        one.wait = length * steps
        if cost <= limit then
            table.sort(kept, function(a, b) return a[1] < b[1] end)
            local left = used
            for _, row in ipairs(kept) do
                left = left - row[2]
                if left + cost <= limit then
                    one.wait = (row[1] + steps) * length - now
                    break
                end
            end
        end
    end
    one.newest = newest
    found[i] = one
end
local answer = {}
for i, key in ipairs(KEYS) do
    local one = found[i]
    if passes and one.cost > 0 then
        redis.call('HINCRBY', key, one.here, one.cost)
        if #one.old > 0 then redis.call('HDEL', key, unpack(one.old)) end
        redis.call('PEXPIRE', key, one.length * steps)
        one.used = one.used + one.cost
        if one.newest == nil or one.here > one.newest then one.newest = one.here end
    end
    local reset = 0
    if one.newest ~= nil then reset = (one.newest + steps) * one.length - now end
    answer[i] = {one.fits and 1 or 0, one.used, one.wait, reset}
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit` per `window_s` seconds for `key` in the current schema; this request costs `cost` (0: only look)."""

    key: str
    limit: int
    window_s: int
    cost: int = 1

    @property
    def name(self) -> str:
        """The key in Redis: the schema stands in it, so tenants are counted apart."""
        return f"rate:{connection.schema_name}:{self.key}:{self.window_s}"

    @property
    def step_ms(self) -> int:
        """A sixtieth of the window, rounded up."""
        return -(-self.window_s * 1000 // STEPS)


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a limit. In `wait_s` this request would pass; in `reset_s` all of the limit is there again."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int
    wait_s: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The three headers of every API answer, and `Retry-After` on a refusal."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }
        if not self.allowed:
            headers["Retry-After"] = str(max(1, self.wait_s))
        return headers


def hit(key: str, *, limit: int, window_s: int, cost: int = 1, now: float | None = None) -> Rate:
    """Count `cost` against one limit; a refused hit costs nothing.

    `limit=0` refuses everything. `now` is seconds since the epoch, for tests.
    """
    return check([Limit(key, limit, window_s, cost)], now=now)[0]


def check(limits: Sequence[Limit], *, now: float | None = None) -> list[Rate]:
    """Count a request against all its limits or, when one of them refuses, against none; the answers in their order."""
    answers = _ask_redis(limits, now)
    if answers is None:
        answers = _local.count(limits, time.time() if now is None else now)
    return [
        Rate(
            # A limit of nothing lets not even a look pass.
            allowed=bool(fits) and one.limit > 0,
            limit=max(0, one.limit),
            remaining=max(0, one.limit - int(used)),
            reset_s=math.ceil(reset / 1000),
            wait_s=0 if fits else math.ceil(wait / 1000),
        )
        for one, (fits, used, wait, reset) in zip(limits, answers, strict=True)
    ]


def tightest(rates: Sequence[Rate]) -> Rate:
    """The one a caller must respect: a refusal before all, then the least left; of several refusals the longest wait."""
    return min(rates, key=lambda rate: (rate.allowed, -rate.wait_s, rate.remaining))


Answer = tuple[int, int, int, int]

_away_until = 0.0


@functools.lru_cache(maxsize=1)
def _script() -> Script:
    # Sent once and then called by its hash; when Redis has forgotten it (a restart), it is sent again.
    return client().register_script(SCRIPT)


def _ask_redis(limits: Sequence[Limit], now: float | None) -> list[Answer] | None:
    """Redis's answers; nothing when it is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    args: list[int] = [-1 if now is None else round(now * 1000), STEPS]
    for one in limits:
        args += (one.limit, one.step_ms, one.cost)
    try:
        return _script()(keys=[one.name for one in limits], args=args, client=client())
    except redis.RedisError as error:
        _away_until = time.monotonic() + PAUSE_S
        log.error("Redis does not count rate limits, this process does for itself: %s", error)
        return None


class _Local:
    """The same rules in this process's memory."""

    def __init__(self) -> None:
        self._steps: OrderedDict[str, dict[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, limits: Sequence[Limit], now: float) -> list[Answer]:
        """Like the script."""
        moment = round(now * 1000)
        with self._lock:
            seen = [self._look(one, moment) for one in limits]
            passes = all(fits for fits, *_ in seen)
            return [
                self._charge(one, moment, answer) if passes else answer
                for one, answer in zip(limits, seen, strict=True)
            ]

    def forget(self) -> None:
        """Start anew; for tests."""
        with self._lock:
            self._steps.clear()

    def _look(self, one: Limit, moment: int) -> Answer:
        length = one.step_ms
        oldest = moment // length - STEPS
        steps = {step: count for step, count in self._steps.get(one.name, {}).items() if step > oldest}
        used = sum(steps.values())
        reset = (max(steps) + STEPS) * length - moment if steps else 0
        if used + one.cost <= one.limit:
            return 1, used, 0, reset
        wait, left = length * STEPS, used
        for step in sorted(steps) if one.cost <= one.limit else ():
            left -= steps[step]
            if left + one.cost <= one.limit:
                wait = (step + STEPS) * length - moment
                break
        return 0, used, wait, reset

    def _charge(self, one: Limit, moment: int, answer: Answer) -> Answer:
        if one.cost <= 0:
            return answer
        length = one.step_ms
        here = moment // length
        steps = {step: count for step, count in self._steps.get(one.name, {}).items() if step > here - STEPS}
        steps[here] = steps.get(here, 0) + one.cost
        self._steps[one.name] = steps
        self._steps.move_to_end(one.name)
        while len(self._steps) > MOST_LOCAL:
            self._steps.popitem(last=False)
        return 1, answer[1] + one.cost, 0, (max(steps) + STEPS) * length - moment


_local = _Local()


def start_afresh() -> None:
    """Ask Redis again at once and forget what was counted without it; for tests."""
    global _away_until
    _away_until = 0.0
    _local.forget()

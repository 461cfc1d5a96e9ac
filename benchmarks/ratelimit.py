"""Cost of asking whether a request may pass, and whether the answer is right when many ask at once.

    bin/dev (or any Redis), then: .venv/bin/python benchmarks/ratelimit.py [--turns 3000]

Ours: one EVALSHA for one limit, and for the four limits of a request with a token. Baselines: Django REST framework's own
throttle (a list of instants in the cache, read and written back) and the same four limits asked one after the other. Wall
time, this process, a key each turn; the turns of all are mixed. Then eight threads ask 400 times for a limit of 100.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import throwaway  # noqa: F401
from rest_framework.throttling import SimpleRateThrottle

from ops.kernel import ratelimit
from ops.kernel.ratelimit import Limit
from ops.kernel.redis import client

LIMITS = ("token", "tokens", "company", "from")


class Baseline(SimpleRateThrottle):
    """Django REST framework's."""

    rate = "1000/hour"
    scope = "bench"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """The caller."""
        return f"bench:{request.caller}"


def drf(number: int) -> bool:
    """One limit by the framework."""
    return Baseline().allow_request(SimpleNamespace(caller=number % 20), None)


def one(number: int) -> bool:
    """One limit by ours."""
    return ratelimit.hit(f"bench.{number % 20}", limit=1000, window_s=3600).allowed


def four(number: int) -> bool:
    """Four limits together."""
    rates = ratelimit.check([Limit(f"bench.{name}.{number % 20}", 10_000, 900) for name in LIMITS])
    return all(rate.allowed for rate in rates)


def four_apart(number: int) -> bool:
    """Four limits one after the other."""
    return all(ratelimit.hit(f"apart.{name}.{number % 20}", limit=10_000, window_s=900).allowed for name in LIMITS)


def passed(ask: Callable[[int], bool]) -> int:
    """How many of 400 requests of eight threads pass a limit of 100."""
    allowed: list[bool] = []

    def work() -> None:
        allowed.extend(ask(7) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return allowed.count(True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3000)
    turns = parser.parse_args().turns
    took: dict[str, list[float]] = {}
    for number in range(turns):
        for ask in (drf, one, four, four_apart):
            started = time.perf_counter()
            ask(number)
            took.setdefault(ask.__name__, []).append(time.perf_counter() - started)
    middle = {name: statistics.median(values) * 1e6 for name, values in took.items()}
    for name, value in middle.items():
        print(f"{name:12} {value:8.0f} µs")
    print(f"one limit / framework's throttle: {middle['one'] / middle['drf']:.2f}")
    print(f"four together / four apart: {middle['four'] / middle['four_apart']:.2f}")
    client().delete("rate:public:hundred:900")
    Baseline.THROTTLE_RATES = {"bench": "100/hour"}
    Baseline.rate = "100/hour"
    print(
        f"ours, limit 100, eight threads: {passed(lambda _: ratelimit.hit('hundred', limit=100, window_s=900).allowed)} passed"
    )
    stamp = int(time.time())
    print(
        "framework, limit 100, eight threads: "
        f"{passed(lambda _: Baseline().allow_request(SimpleNamespace(caller=f'h{stamp}'), None))} passed"
    )


if __name__ == "__main__":
    main()

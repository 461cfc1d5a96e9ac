"""One Redis client a process for what is not the cache: rate limits, live pushes, heartbeats."""

import functools

import redis
from django.conf import settings

# No request may hang because Redis does.
ANSWER_WITHIN_S = 2.0
CONNECT_WITHIN_S = 1.0


def client(url: str | None = None) -> "redis.Redis":
    """The shared client of this process; connections are made on first use and per process after a fork."""
    return _client(url or settings.REDIS_URL)


@functools.lru_cache(maxsize=16)
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=CONNECT_WITHIN_S, health_check_interval=30
    )

"""One Redis client a process for what is not the cache: rate limits, live pushes, heartbeats."""

import functools

import redis
from django.conf import settings


def client(url: str | None = None) -> "redis.Redis":
    """The shared client of this process; connections are made on first use and per process after a fork."""
    return _client(url or settings.REDIS_URL)


@functools.lru_cache(maxsize=16)
def _client(url: str) -> "redis.Redis":
    # Short timeouts: no request may hang because Redis does.
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1, health_check_interval=30)

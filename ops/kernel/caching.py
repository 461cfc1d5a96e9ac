"""The cache, which may be missing: what it would have remembered is then looked up."""

import logging
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache as DjangosRedisCache

log = logging.getLogger(__name__)


class RedisCache(DjangosRedisCache):
    """Django's own, for which a stopped Redis is an empty cache that keeps nothing.

    Only reading and keeping forgive. Taking something out, and counting, fail loudly: what could not be taken out must
    not be said to be gone.
    """

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default` when it is not there or nobody answers."""
        try:
            return super().get(key, default, version)
        except redis.RedisError as error:
            return self._missing("read", error, default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """Those that are there."""
        try:
            return super().get_many(keys, version)
        except redis.RedisError as error:
            return self._missing("read", error, {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Whether it is there."""
        try:
            return super().has_key(key, version)
        except redis.RedisError as error:
            return self._missing("read", error, False)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep it, if somebody answers."""
        try:
            super().set(key, value, timeout, version)
        except redis.RedisError as error:
            self._missing("kept", error, None)

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        """Keep them; those that were not."""
        try:
            return super().set_many(data, timeout, version)
        except redis.RedisError as error:
            return self._missing("kept", error, list(data))

    @staticmethod
    def _missing(what: str, error: redis.RedisError, answer: Any) -> Any:
        log.warning("The cache does not answer, nothing is %s: %s", what, error)
        return answer

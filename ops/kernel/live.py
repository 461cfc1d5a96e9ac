"""Live messages to open browsers, sent from ordinary synchronous code.

A socket message is a hint: the client re-reads by cursor what it missed. So a push never fails the
work it tells about, and it leaves only after the commit.
"""

import functools
import logging
import re
from typing import Any

import redis
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import _consistent_hash
from django.db import connection, transaction

from ops.kernel.redis import client

log = logging.getLogger(__name__)

GROUP_NAME = re.compile(r"[A-Za-z0-9_.-]{1,99}\Z")


def group(name: str, *, schema: str | None = None) -> str:
    """Full name of a channel group: `<schema>.<name>`, in the current schema unless another is named."""
    full = f"{schema or connection.schema_name}.{name}"
    if not GROUP_NAME.match(full):
        raise ValueError(f"{full!r} is no group name: at most 99 letters, digits, dots, hyphens and underscores.")
    return full


def push(group_name: str, message: dict[str, Any]) -> None:
    """Send `message` (with its `type`) to a group made by `group()`, after the current transaction commits.

    When Redis is away the message is dropped and logged: clients catch up by cursor.
    """
    if "type" not in message:
        raise ValueError("A live message needs a type: it names the consumer's method.")
    if not GROUP_NAME.match(group_name) or "." not in group_name:
        raise ValueError(f"{group_name!r} does not name its schema; make it with live.group().")
    transaction.on_commit(functools.partial(publish, group_name, message))


def publish(group_name: str, message: dict[str, Any]) -> None:
    """Send at once, without waiting for a commit: for hints that no row stands behind (typing, presence)."""
    layer = get_channel_layer()
    if not isinstance(layer, RedisPubSubChannelLayer):
        raise TypeError("live.publish speaks the format of channels_redis.pubsub; settings name another layer.")
    channel = f"{layer._kwargs.get('prefix', 'asgi')}__group__{group_name}"
    try:
        _shard(layer, channel).publish(channel, layer.serialize(message))
    except redis.RedisError as error:
        log.warning("Live message dropped: %s", error, extra={"group": group_name})


def _shard(layer: RedisPubSubChannelLayer, channel: str) -> "redis.Redis":
    hosts = layer._kwargs["hosts"]
    host = hosts[_consistent_hash(channel, len(hosts))]
    return client(host["address"] if isinstance(host, dict) else host)

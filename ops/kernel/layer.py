"""The channel layer of the house: Redis between the processes, and no detour through it inside one.

What is sent to a group reaches the sockets of this process at once, by a function call, and the other processes by one
PUBLISH. Messages are those of `channels_redis.pubsub`, so `live.publish` and every consumer of Channels speak with it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import _wrap_close, decode_hosts

log = logging.getLogger(__name__)

Sink = Callable[[dict[str, Any]], None]
FROM = "from"


class LocalFirstLayer(RedisPubSubChannelLayer):
    """`CHANNEL_LAYERS` names this class."""

    def __getattr__(self, name: str) -> Any:
        return (
            getattr(self._get_layer(), name)
            if name in {"attach", "detach", "groups_send"}
            else super().__getattr__(name)
        )

    def _get_layer(self) -> "LoopLayer":
        loop = asyncio.get_running_loop()
        layer = self._layers.get(loop)
        if layer is None:
            layer = self._layers[loop] = LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        return layer


class LoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, hosts: Any = None, **kwargs: Any) -> None:
        super().__init__(hosts=hosts, **kwargs)
        self._shards = [Shard(host, self) for host in decode_hosts(hosts)]
        self.name = uuid4().hex
        self.sinks: dict[str, Sink] = {}

    def attach(self, sink: Sink) -> str:
        """A channel of this process whose messages are handed to `sink`, which must be quick and raise nothing."""
        channel = f"{self.prefix}local.{uuid4().hex}"
        self.channels[channel] = None
        self.sinks[channel] = sink
        return channel

    def detach(self, channel: str) -> None:
        """The channel is gone."""
        self.channels.pop(channel, None)
        self.sinks.pop(channel, None)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Hand a message to everybody who follows the group: here now, elsewhere by Redis."""
        await self.groups_send([(group, message)])

    async def groups_send(self, messages: list[tuple[str, dict[str, Any]]]) -> None:
        """Hand messages to groups: here all of them first, then elsewhere."""
        named = [(self._get_group_channel_name(group), message) for group, message in messages]
        for name, message in named:
            self.spread(name, message, None)
        trips: dict[Shard, list[tuple[str, bytes]]] = {}
        for name, message in named:
            data = self.channel_layer.serialize({**message, FROM: self.name})
            trips.setdefault(self._get_shard(name), []).append((name, data))
        for shard, found in trips.items():
            await shard.publish_all(found)

    def spread(self, name: str, message: dict[str, Any], data: bytes | None) -> None:
        """Hand a message to the followers in this process."""
        for channel in tuple(self.groups.get(name, ())):
            sink = self.sinks.get(channel)
            if sink is not None:
                sink(message)
            elif (queue := self.channels.get(channel)) is not None:
                queue.put_nowait(data or self.channel_layer.serialize(message))


class Shard(RedisSingleShardConnection):
    """One Redis; a group's message is read once, whoever it is for.

    What is published while an earlier trip to Redis is under way waits for it and leaves together.
    """

    def __init__(self, host: Any, channel_layer: LoopLayer) -> None:
        super().__init__(host, channel_layer)
        self.waiting: list[tuple[str, bytes]] = []
        self.trip: asyncio.Future[None] | None = None

    async def publish_all(self, messages: list[tuple[str, bytes]]) -> None:
        """Publish in this order, after everything that waits already. Raises what Redis raises."""
        self.waiting += messages
        if self.trip is None:
            self.trip = asyncio.ensure_future(self._leave())
        # Others travel along, so nobody who gives up stops the trip.
        await asyncio.shield(self.trip)

    async def _leave(self) -> None:
        async with self._lock:
            messages, self.waiting, self.trip = self.waiting, [], None
            self._ensure_redis()
            together = self._redis.pipeline(transaction=False)
            for name, data in messages:
                together.publish(name, data)
            await together.execute()

    def _receive_message(self, message: dict[str, Any] | None) -> None:
        if message is None:
            return
        layer = self.channel_layer
        name = message["channel"].decode()
        if name not in layer.groups:
            super()._receive_message(message)
            return
        found = layer.channel_layer.deserialize(message["data"])
        if found.pop(FROM, None) != layer.name:
            layer.spread(name, found, message["data"])

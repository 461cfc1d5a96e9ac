"""A bad network and a dying server around a busy counter, at any size; `test_chaos.py` and `benchmarks/chat_chaos.py` run it.

Between the clients and the web process stands a proxy that drops, doubles, delays and reorders frames and cuts lines. The
web process kills itself with SIGKILL between a commit and its push whenever it finds the fuse lit. Clients do what the
protocol tells them: keep what is not acknowledged, come back, apply by number, ask for what is missing.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from chat.models import ChatEvent, Message
from chat.tests.process import WebProcess

APPLICATION = "chat.tests.chaos_application:application"
RESEND_S = 2.0
# For a welcome; coming back earlier to a machine that is busy would keep it busy.
PATIENCE_S = 30
WINDOW = 3


@dataclass
class Network:
    """What may happen to a frame, each with its probability."""

    chance: random.Random
    drop: float = 0.02
    double: float = 0.03
    delay: float = 0.05
    cut: float = 0.004
    done: Counter[str] = field(default_factory=Counter)

    async def carry(self, text: str, source: Any, target: Any, tasks: set[asyncio.Task[None]]) -> None:
        """Carry a frame on, or not."""
        luck = self.chance.random
        if '"hello"' not in text and '"welcome"' not in text:
            if luck() < self.cut:
                self.done["cut"] += 1
                source.transport.abort()
                target.transport.abort()
                return
            if luck() < self.drop:
                self.done["dropped"] += 1
                return
            if luck() < self.delay:
                self.done["delayed"] += 1
                task = asyncio.create_task(_later(target, text, self.chance.uniform(0.01, 0.3)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                return
            if luck() < self.double:
                self.done["doubled"] += 1
                await target.send(text)
        await target.send(text)


async def _later(target: Any, text: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    try:
        await target.send(text)
    except websockets.ConnectionClosed:
        return


class Proxy:
    """A line to the web process, through the network."""

    def __init__(self, web: WebProcess, network: Network) -> None:
        self.web, self.network = web, network
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self.server = await serve(self._carry, "127.0.0.1", 0, subprotocols=["chat.v1"], compression=None)  # type: ignore[list-item]
        self.port = next(iter(self.server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _carry(self, near: Any) -> None:
        slug, path = near.request.path.split("/", 2)[1:]
        tasks: set[asyncio.Task[None]] = set()
        try:
            async with connect(
                f"ws://{slug}.localhost:{self.web.port}/{path}",
                host="127.0.0.1",
                port=self.web.port,
                subprotocols=["chat.v1"],  # type: ignore[list-item]
                compression=None,
            ) as far:
                pumps = [
                    asyncio.create_task(self._pump(near, far, tasks)),
                    asyncio.create_task(self._pump(far, near, tasks)),
                ]
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, websockets.WebSocketException):
            return

    async def _pump(self, source: Any, target: Any, tasks: set[asyncio.Task[None]]) -> None:
        async for text in source:
            await self.network.carry(text, source, target, tasks)


class Client:
    """A browser: a visitor with one conversation, or an agent with many."""

    def __init__(self, *, proxy: Proxy, slug: str, path: str, token: str, follows: Iterable[str]) -> None:
        self.proxy, self.address, self.token = proxy, f"/{slug}{path}", token
        self.last = dict.fromkeys(follows, 0)
        self.waiting: dict[str, dict[int, dict[str, Any]]] = {key: {} for key in self.last}
        self.seen: dict[str, list[str]] = {key: [] for key in self.last}
        self.bodies: list[str] = []
        self.outbox: list[dict[str, Any]] = []
        self.acknowledged: dict[str, str] = {}
        self.connections = 0

    async def run(self, everything: Callable[[dict[str, int]], bool]) -> None:
        """Stay until all was sent and all was seen."""
        while self.outbox or not everything(self.last):
            try:
                async with connect(
                    f"ws://127.0.0.1:{self.proxy.port}{self.address}",
                    subprotocols=["chat.v1"],  # type: ignore[list-item]
                    compression=None,
                    open_timeout=PATIENCE_S,
                ) as line:
                    self.connections += 1
                    await line.send(json.dumps({"type": "hello", "token": self.token, "conversations": self.last}))
                    await self._talk(line, everything)
            except (OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _talk(self, line: Any, everything: Callable[[dict[str, int]], bool]) -> None:
        loop = asyncio.get_running_loop()
        sent_at: dict[str, float] = {}
        welcome = False
        while self.outbox or not everything(self.last):
            if welcome:
                for message in self.outbox[:WINDOW]:
                    if loop.time() - sent_at.get(message["client_id"], -RESEND_S) >= RESEND_S:
                        sent_at[message["client_id"]] = loop.time()
                        await line.send(json.dumps({"type": "msg.send", **message}))
            try:
                frame = json.loads(await asyncio.wait_for(line.recv(), timeout=RESEND_S if welcome else PATIENCE_S))
            except TimeoutError:
                if not welcome:
                    raise
                continue
            welcome = welcome or frame["type"] == "welcome"
            for key in self._hear(frame):
                await line.send(json.dumps({"type": "sub", "conversation": key, "after": self.last[key]}))

    def _hear(self, frame: dict[str, Any]) -> list[str]:
        """Take a frame in; gives the conversations of which something is missing."""
        if frame["type"] == "event" and frame["conversation"] in self.last:
            return self._apply(frame)
        if frame["type"] == "msg.ack":
            self.outbox = [one for one in self.outbox if one["client_id"] != frame["client_id"]]
            before = self.acknowledged.setdefault(frame["client_id"], frame["id"])
            assert before == frame["id"], "one message was acknowledged as two"
        elif frame["type"] in ("hb", "sub.ok"):
            heads = frame["heads"] if frame["type"] == "hb" else {frame["conversation"]: frame["seq"]}
            return [key for key, head in heads.items() if head > self.last.get(key, head)]
        elif frame["type"] in ("msg.nack", "nack"):
            raise AssertionError(frame)
        return []

    def _apply(self, frame: dict[str, Any]) -> list[str]:
        key, seq = frame["conversation"], frame["seq"]
        if seq <= self.last[key]:
            return []
        fresh = not self.waiting[key]
        self.waiting[key][seq] = frame
        while (following := self.waiting[key].pop(self.last[key] + 1, None)) is not None:
            self.last[key] += 1
            if following["event"] == "message.created":
                self.seen[key].append(following["data"]["client_id"])
                self.bodies.append(following["data"]["body"])
        self.waiting[key] = {place: one for place, one in self.waiting[key].items() if place > self.last[key]}
        return [key] if self.waiting[key] and fresh else []


@dataclass
class Outcome:
    """What happened, for whoever judges it against the database."""

    visitors: list[Client]
    agents: list[Client]
    network: Counter[str]
    kills: int


async def storm(
    *,
    web: WebProcess,
    fuse: Path,
    slug: str,
    talks: list[tuple[str, str]],
    agent_tokens: list[str],
    messages: int,
    kills: int,
    already: int,
    seed: int,
) -> Outcome:
    """Let everybody write until `messages` were written; kill the process `kills` times between a commit and its push.

    `talks` are conversations with their visitors' tokens, each with `already` events in it.
    """
    chance = random.Random(seed)
    network = Network(chance)
    keys = [key for key, _ in talks]
    async with Proxy(web, network) as proxy:
        visitors = [
            Client(proxy=proxy, slug=slug, path="/ws/widget/", token=token, follows=[key]) for key, token in talks
        ]
        agents = [
            Client(proxy=proxy, slug=slug, path="/ws/agent/", token=token, follows=keys) for token in agent_tokens
        ]
        seqs, public = Counter(dict.fromkeys(keys, already)), Counter(dict.fromkeys(keys, already))
        for number in range(messages):
            place = chance.randrange(len(talks))
            private = False
            if chance.random() < 0.5:
                writer = visitors[place]
            else:
                writer, private = chance.choice(agents), chance.random() < 0.3
            body = f"{'secret-note' if private else 'message'} {number}"
            message = {"client_id": str(uuid4()), "conversation": keys[place], "body": body}
            writer.outbox.append({**message, "private": True} if private else message)
            seqs[keys[place]] += 1
            public[keys[place]] += not private
        written = messages

        def left() -> int:
            return sum(len(client.outbox) for client in [*visitors, *agents])

        async def kill() -> int:
            done = 0
            for number in range(1, kills + 1):
                while written - left() < written * number / (kills + 1):  # noqa: ASYNC110 — many places, one question
                    await asyncio.sleep(0.01)
                fuse.touch()  # noqa: ASYNC240
                while web.is_running and left():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                done += not web.is_running
                if not web.is_running:
                    await asyncio.to_thread(web.start)
            return done

        killing, *_ = await asyncio.gather(
            kill(),
            *(client.run(lambda last: all(last[key] >= public[key] for key in last)) for client in visitors),
            *(client.run(lambda last: all(last[key] >= seqs[key] for key in last)) for client in agents),
        )
    return Outcome(visitors=visitors, agents=agents, network=network.done, kills=killing)


def judge(outcome: Outcome) -> None:
    """Both sides hold every message once, in the order of the database; visitors hold no note. In the tenant."""
    clients = [*outcome.visitors, *outcome.agents]
    acknowledged = {key: pk for client in clients for key, pk in client.acknowledged.items()}
    rows = Message.objects.order_by("conversation", "seq").values_list(
        "conversation_id", "seq", "pub_seq", "client_id", "id"
    )
    stored = [(str(talk), seq, pub_seq, str(key), str(pk)) for talk, seq, pub_seq, key, pk in rows]
    by_key = {key: pk for _, _, _, key, pk in stored}
    assert len(by_key) == len(stored)
    assert acknowledged.items() <= by_key.items()
    for talk in {row[0] for row in stored}:
        events = list(ChatEvent.objects.filter(conversation=talk).order_by("seq").values_list("seq", "pub_seq"))
        assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
        public = [pub_seq for _, pub_seq in events if pub_seq is not None]
        assert public == list(range(1, len(public) + 1))
    for client in clients:
        for talk, seen in client.seen.items():
            wanted = [row for row in stored if row[0] == talk and (client in outcome.agents or row[2] is not None)]
            assert seen == [row[3] for row in wanted]
    assert not [body for client in outcome.visitors for body in client.bodies if "secret-note" in body]

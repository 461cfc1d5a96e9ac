"""A long time with a restart in the middle: everybody, and whether everybody has everything at the end.

Visitors only listen, each in a conversation of their own. Agents write into these conversations; each is told what all
of them wrote. A client does what ours do: it remembers the last number of a conversation, asks for what is missing when
it sees a gap or the heartbeat tells of one, comes back when it was told to, and sends what was not acknowledged again.
"""

import argparse
import asyncio
import contextlib
import json
import random
import re
import time
from collections import deque
from uuid import uuid4

import websockets
from django_tenants.utils import schema_context

from benchmarks.delivery.machine import Machine, Server
from benchmarks.delivery.people import Pair, connect
from chat.models import Conversation, Message

MARK = re.compile(r'"client_id":"([0-9a-f-]{36})"')
SEQ = re.compile(r'"seq":(\d+)')
TALK = re.compile(r'"conversation":"([0-9a-f-]{36})"')


class Client:
    """A browser: one socket at a time, and what it has seen."""

    path = ""

    def __init__(self, server: Server, slug: str) -> None:
        self.server, self.slug = server, slug
        self.line = None
        self.here = asyncio.Event()
        self.seen: dict[str, int] = {}
        self.asking: set[str] = set()
        self.asked = self.reloads = self.times = 0
        self.back_at = 0.0

    def greeting(self) -> dict:
        raise NotImplementedError

    async def live(self) -> None:
        """Stay connected until cancelled."""
        wait_s, tries = 0.0, 0
        while True:
            try:
                line = await connect(self.server.port, self.slug, self.path)
                await line.send(json.dumps({"type": "hello", **self.greeting()}))
                tries = 0
                async for text in line:
                    if '"type":"event"' in text:
                        await self.event(line, text)
                        continue
                    frame = json.loads(text)
                    if frame["type"] == "welcome":
                        self.asking.clear()
                        self.line, self.back_at, self.times = line, time.perf_counter(), self.times + 1
                        self.here.set()
                        await self.welcomed(frame)
                    elif frame["type"] == "bye":
                        wait_s = frame.get("retry_after", 0.0)
                    else:
                        await self.told(line, frame)
            except (OSError, TimeoutError, websockets.WebSocketException):
                pass
            self.line = None
            self.here.clear()
            await asyncio.sleep(wait_s if not tries else random.uniform(0, min(30, 0.5 * 2**tries)))
            tries += 1

    async def event(self, line, text: str) -> None:
        """Take what comes next, leave what is known, ask for what is missing."""
        key, seq = TALK.search(text)[1], int(SEQ.search(text)[1])
        last = self.seen.get(key)
        if last is not None and seq > last + 1:
            await self.ask(line, key)
        elif last is None or seq == last + 1:
            self.seen[key] = seq
            self.take(text)

    async def ask(self, line, key: str) -> None:
        if key not in self.asking:
            self.asking.add(key)
            self.asked += 1
            await line.send(json.dumps({"type": "sub", "conversation": key, "after": self.seen[key]}))

    def take(self, text: str) -> None:
        """Something new, in its order."""

    async def welcomed(self, frame: dict) -> None:
        """The greeting was answered."""

    async def told(self, line, frame: dict) -> None:
        if frame["type"] == "resync_required":
            self.reloads += 1
        if frame["type"] == "sub.ok":
            self.asking.discard(frame["conversation"])
        if frame["type"] == "hb":
            for key, head in frame["heads"].items():
                if key in self.seen and head > self.seen[key]:
                    await self.ask(line, key)


class Visitor(Client):
    """Listens."""

    path = "/ws/widget/"

    def __init__(self, server: Server, slug: str, token: str, key: str) -> None:
        super().__init__(server, slug)
        self.token, self.key, self.seen = token, key, {key: 0}

    def greeting(self) -> dict:
        return {"token": self.token, "conversations": self.seen}


class Agent(Client):
    """Writes, and is told what everybody writes."""

    path = "/ws/agent/"

    def __init__(self, server: Server, pair: Pair, sent: dict[str, float], talks: list[str]) -> None:
        super().__init__(server, pair.slug)
        self.token, self.sent = pair.agent, sent
        self.seen = dict.fromkeys(talks, 0)
        self.cursor = ""
        self.waiting: dict[str, str] = {}
        self.took: list[tuple[float, float]] = []

    def greeting(self) -> dict:
        return {"token": self.token, **({"cursor": self.cursor} if self.cursor else {})}

    def take(self, text: str) -> None:
        found = MARK.search(text)
        if found and found[1] in self.sent:
            began = self.sent[found[1]]
            self.took.append((began, time.perf_counter() - began))

    async def welcomed(self, frame: dict) -> None:
        self.cursor = self.cursor or frame["cursor"]
        for text in list(self.waiting.values()):
            await self.line.send(text)

    async def told(self, line, frame: dict) -> None:
        await super().told(line, frame)
        if frame["type"] == "hb":
            self.cursor = frame["cursor"]
        elif frame["type"] == "sub.ok":
            # The team is told of every conversation; this one was followed to read what was missing.
            await line.send(json.dumps({"type": "unsub", "conversation": frame["conversation"]}))
        elif frame["type"] == "msg.ack":
            self.waiting.pop(frame["client_id"], None)

    async def write(self, conversation: str) -> None:
        """Keep it until it is acknowledged; without a line it leaves with the next one."""
        mark = str(uuid4())
        text = json.dumps({"type": "msg.send", "client_id": mark, "conversation": conversation, "body": "x" * 80})
        self.sent[mark], self.waiting[mark] = time.perf_counter(), text
        if self.line is not None:
            with contextlib.suppress(websockets.WebSocketException):
                await self.line.send(text)


async def run(
    args: argparse.Namespace, server: Server, machine: Machine, pair: Pair, crowd: list[tuple[str, str]]
) -> bool:
    """Whether nothing was lost, doubled or out of order."""
    sent: dict[str, float] = {}
    talks = [key for _, key in crowd]
    visitors = [Visitor(server, pair.slug, *one) for one in crowd]
    team = [Agent(server, pair, sent, talks) for _ in range(args.agents)]
    memory, tasks = server.memory(), []
    for start in range(0, len(visitors) + len(team), 25):
        some = [*visitors, *team][start : start + 25]
        tasks += [asyncio.create_task(one.live()) for one in some]
        for one in some:
            await one.here.wait()
    grown = server.memory() - memory
    before, began = await asyncio.to_thread(machine.now), time.perf_counter()
    restarted = asyncio.create_task(_restart(server, machine, args.minutes * 30))
    writers: deque[Agent] = deque(team)
    count = int(args.minutes * 60 * args.rate)
    for number in range(count):
        writers.rotate(-1)
        await writers[0].write(random.choice(talks))
        await asyncio.sleep(max(0.0, began + (number + 1) / args.rate - time.perf_counter()))
    old, gone_s, started_s, again = await restarted
    lasted = time.perf_counter() - began
    after = await asyncio.to_thread(machine.now)
    for _ in range(60):
        if not any(one.waiting for one in team):
            break
        await asyncio.sleep(1)
    heads = await asyncio.to_thread(_heads, pair.slug)
    for _ in range(60):
        if all(one.seen[key] >= heads[key] for one in [*visitors, *team] for key in one.seen):
            break
        await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    missing = sum(count - len(one.took) for one in team)
    behind = sum(heads[one.key] - one.seen[one.key] for one in visitors)
    stored = await asyncio.to_thread(_stored, pair.slug, list(sent))
    everybody = [*visitors, *team]
    back = max(one.back_at for one in everybody)
    # What was written while not everybody was there is told by itself.
    steady = sorted(took for one in team for at, took in one.took if not again - 5 <= at <= back + 5)
    around = max(took for one in team for at, took in one.took)
    spent = sum((old[name] if name == "web" else 0) + after[name] - before[name] for name in after)
    print(
        f"{lasted / 60:.1f} minutes, {len(visitors)} visitors, {len(team)} agents, {count} messages, {count * len(team)}"
        f" deliveries to agents: {stored} stored, {missing} deliveries missing, {behind} messages missing at visitors;"
        f" received p50 {steady[len(steady) // 2] * 1000:.1f}, p95 {steady[int(len(steady) * 0.95)] * 1000:.1f},"
        f" p99 {steady[int(len(steady) * 0.99)] * 1000:.1f} ms;"
        f" restart: old process gone after {gone_s:.1f} s, new one listens after {started_s:.1f} s,"
        f" everybody back after {back - again:.1f} s, longest wait for a message {around:.1f} s;"
        f" asked for missing ones {sum(one.asked for one in everybody)} times,"
        f" reloads {sum(one.reloads for one in everybody)},"
        f" sockets opened beyond two {sum(one.times - 2 for one in everybody)};"
        f" {grown / (len(visitors) + len(team)) / 1024:.0f} KB a socket; CPU {spent * 1000 / count:.1f} ms a message",
        flush=True,
    )
    return not missing and not behind and stored == count


async def _restart(server: Server, machine: Machine, after_s: float) -> tuple[dict[str, float], float, float, float]:
    """End the process and start it again; what it had spent, when it was gone and the next one listened, and when."""
    await asyncio.sleep(after_s)
    spent, began = await asyncio.to_thread(machine.now), time.perf_counter()
    await asyncio.to_thread(server.stop)
    gone = time.perf_counter() - began
    await asyncio.to_thread(server.start)
    return spent, gone, time.perf_counter() - began, began


def _heads(slug: str) -> dict[str, int]:
    with schema_context(f"t_{slug.replace('-', '_')}"):
        return {str(key): seq for key, seq in Conversation.objects.values_list("pk", "last_seq")}


def _stored(slug: str, marks: list[str]) -> int:
    with schema_context(f"t_{slug.replace('-', '_')}"):
        return Message.objects.filter(client_id__in=marks).count()

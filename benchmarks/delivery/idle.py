"""Visitors' sockets that only listen, beside agents who write, each told what the others wrote."""

import argparse
import asyncio
import contextlib
import json
import re
import time
from uuid import uuid4

from benchmarks.delivery.machine import Machine, Server
from benchmarks.delivery.people import Pair, dial

MARK = re.compile(r'"client_id":"([0-9a-f-]{36})"')


async def run(
    args: argparse.Namespace, server: Server, machine: Machine, pair: Pair, crowd: list[tuple[str, str]]
) -> None:
    """Many listen, a hundred agents write."""
    memory, began, quiet = server.memory(), time.perf_counter(), []
    for start in range(0, len(crowd), 25):
        quiet += await asyncio.gather(
            *(
                dial(server.port, pair.slug, "/ws/widget/", token=token, conversations={key: 0})
                for token, key in crowd[start : start + 25]
            )
        )
    opened, grown = time.perf_counter() - began, server.memory() - memory
    team = []
    for _ in range(0, args.agents, 20):
        team += await asyncio.gather(*(dial(server.port, pair.slug, "/ws/agent/", token=pair.agent) for _ in range(20)))
    sent: dict[str, float] = {}
    took: list[float] = []
    count = int(args.seconds * args.rate)
    everything = asyncio.Event()

    async def listen(line) -> None:
        async for text in line:
            if '"message.created"' in text:
                began_at = sent.get(MARK.search(text)[1])
                if began_at is not None:
                    took.append((time.perf_counter() - began_at) * 1000)
                    if len(took) == count * len(team):
                        everything.set()

    async def ignore(line) -> None:
        async for _text in line:
            pass

    tasks = [asyncio.create_task(listen(line)) for line in team] + [asyncio.create_task(ignore(line)) for line in quiet]
    try:
        await asyncio.sleep(2)
        before, began = await asyncio.to_thread(machine.now), time.perf_counter()
        for number in range(count):
            mark = str(uuid4())
            frame = {"type": "msg.send", "client_id": mark, "conversation": pair.conversation, "body": "x" * 80}
            sent[mark] = time.perf_counter()
            await team[number % len(team)].send(json.dumps(frame))
            await asyncio.sleep(max(0.0, began + (number + 1) / args.rate - time.perf_counter()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(everything.wait(), timeout=30)
        after = await asyncio.to_thread(machine.now)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(line.close() for line in [*quiet, *team]), return_exceptions=True)
    took.sort()
    spent = {name: (after[name] - before[name]) * 1000 / count for name in after}
    print(
        f"{len(crowd)} idle visitors, {len(team)} agents, {args.rate:g} msg/s: received p50 {took[len(took) // 2]:.1f},"
        f" p95 {took[int(len(took) * 0.95)]:.1f}, p99 {took[int(len(took) * 0.99)]:.1f} ms;"
        f" {count * len(team) - len(took)} of {count * len(team)} deliveries lost;"
        f" CPU {sum(spent.values()):.2f} ms a message and {sum(spent.values()) / len(team) * 1000:.0f} us a delivery"
        f" (web {spent['web']:.2f}, pg {spent['pg']:.2f}, redis {spent['redis']:.2f});"
        f" {grown / len(crowd) / 1024:.0f} KB a socket; {len(crowd)} sockets opened in {opened:.1f} s",
        flush=True,
    )

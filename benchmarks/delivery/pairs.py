"""An agent and a visitor on their two sockets: the time of a message, and how many pass with twenty such pairs."""

import argparse
import asyncio
import json
import statistics
import time
from uuid import uuid4

from benchmarks.delivery.machine import Machine, Server
from benchmarks.delivery.people import Pair, dial

WARM_UP_S = 1.5


async def talk(port: int, pair: Pair, ready: asyncio.Barrier, lasting: float, took: list[float]) -> None:
    """Write, wait until the other side has it, write again. Greeting and leaving are no part of a message."""
    visitor = await dial(port, pair.slug, "/ws/widget/", token=pair.visitor, conversations={pair.conversation: 2})
    agent = await dial(port, pair.slug, "/ws/agent/", token=pair.agent)
    arrived = asyncio.Queue()

    async def listen() -> None:
        async for text in visitor:
            if '"message.created"' in text:
                arrived.put_nowait((json.loads(text)["data"]["client_id"], time.perf_counter()))

    async def drain() -> None:
        async for _text in agent:
            pass

    async def write_until(stop: float, found_after: list[float]) -> None:
        while time.perf_counter() < stop:
            mark, began = str(uuid4()), time.perf_counter()
            frame = {"type": "msg.send", "client_id": mark, "conversation": pair.conversation, "body": "x" * 80}
            await agent.send(json.dumps(frame))
            while True:
                found, at = await asyncio.wait_for(arrived.get(), timeout=30)
                if found == mark:
                    break
            found_after.append((at - began) * 1000)

    tasks = [asyncio.create_task(listen()), asyncio.create_task(drain())]
    try:
        await ready.wait()
        await write_until(time.perf_counter() + WARM_UP_S, [])
        await ready.wait()  # the counters are read between these two
        await ready.wait()
        await write_until(time.perf_counter() + lasting, took)
        await ready.wait()
        await ready.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(visitor.close(), agent.close(), return_exceptions=True)


async def pairs_round(server: Server, machine: Machine, pairs: list[Pair], seconds: float) -> dict[str, float]:
    """All pairs talk at once for a while, after a moment to warm up."""
    took: list[float] = []
    ready = asyncio.Barrier(len(pairs) + 1)

    async def watch() -> tuple[dict[str, float], dict[str, float], float]:
        await ready.wait()
        await ready.wait()
        before, began = await asyncio.to_thread(machine.now), time.perf_counter()
        await ready.wait()
        await ready.wait()
        lasted, after = time.perf_counter() - began, await asyncio.to_thread(machine.now)
        await ready.wait()
        return before, after, lasted

    (before, after, lasted), *_ = await asyncio.gather(
        watch(), *(talk(server.port, pair, ready, seconds, took) for pair in pairs)
    )
    took.sort()
    spent = {name: (after[name] - before[name]) * 1000 / len(took) for name in after}
    return {
        "p50": took[len(took) // 2],
        "p95": took[int(len(took) * 0.95)],
        "p99": took[int(len(took) * 0.99)],
        "rate": len(took) / lasted,
        **spent,
        "cpu": sum(spent.values()),
    }


async def run(args: argparse.Namespace, server: Server, machine: Machine, groups: dict[str, list[Pair]]) -> None:
    print(
        f"{'pairs':12}{'msg/s':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}"
        f"{'CPU ms/msg':>12}{'web':>7}{'pg':>7}{'redis':>7}"
    )
    for name, pairs in groups.items():
        rounds = [await pairs_round(server, machine, pairs, args.seconds) for _ in range(args.rounds)]
        one = {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}
        print(
            f"{name:12}{one['rate']:>8.0f}{one['p50']:>8.1f}{one['p95']:>8.1f}{one['p99']:>8.1f}"
            f"{one['cpu']:>12.2f}{one['web']:>7.2f}{one['pg']:>7.2f}{one['redis']:>7.2f}",
            flush=True,
        )

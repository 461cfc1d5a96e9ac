"""Our agents' socket against an echo that sends what it receives to a group: same frames, same sockets, turn by turn."""

import argparse
import asyncio
import json
import statistics
import time
from uuid import uuid4

import websockets

from benchmarks.delivery.machine import Server
from benchmarks.delivery.people import Pair, dial

MESSAGES = 40
# The clients are on the same machine: more than this and they, not the server, are measured.
DELIVERIES_PER_S = 1500
WANTED_RATIO = 2.0


class Ours:
    """Agents of one tenant: one writes, all are told."""

    name = "Balcão"

    def __init__(self, server: Server, pair: Pair) -> None:
        self.server, self.pair = server, pair

    async def open(self):
        return await dial(self.server.port, self.pair.slug, "/ws/agent/", token=self.pair.agent)

    def frame(self, mark: str) -> str:
        return json.dumps(
            {
                "type": "msg.send",
                "client_id": str(uuid4()),
                "conversation": self.pair.conversation,
                "body": f"{mark} {'x' * 80}",
            }
        )

    def mark_in(self, text: str) -> str | None:
        if '"message.created"' not in text:
            return None
        return json.loads(text)["data"]["body"].split(" ", 1)[0]


class Bare:
    """The echo, with frames as long as ours."""

    name = "echo"

    def __init__(self, server: Server, length: int) -> None:
        self.server, self.length = server, length

    async def open(self):
        address = f"ws://127.0.0.1:{self.server.port}/echo/"
        return await websockets.connect(address, compression=None, open_timeout=60)

    def frame(self, mark: str) -> str:
        return json.dumps({"mark": mark, "pad": ""})[:-2] + "x" * (self.length - len(mark) - 24) + '"}'

    def mark_in(self, text: str) -> str | None:
        return json.loads(text)["mark"]


async def measure(side, sockets: int, rate: float) -> dict[str, float]:
    """One round: open, warm up, write at `rate`, wait until everybody has everything."""
    lines = []
    for start in range(0, sockets, 20):
        lines += await asyncio.gather(*(side.open() for _ in range(start, min(start + 20, sockets))))
    sent: dict[str, float] = {}
    took: list[float] = []
    missing = {"count": 0}
    all_here = asyncio.Event()

    async def listen(line) -> None:
        async for text in line:
            mark = side.mark_in(text)
            if mark in sent:
                took.append(time.perf_counter() - sent[mark])
                missing["count"] -= 1
                if not missing["count"]:
                    all_here.set()

    listeners = [asyncio.create_task(listen(line)) for line in lines]
    try:
        for count in (5, MESSAGES):
            took.clear()
            sent.clear()
            all_here.clear()
            missing["count"] = count * sockets
            before, began = side.server.cpu_s(), time.perf_counter()
            for number in range(count):
                mark = f"{uuid4().hex[:8]}"
                sent[mark] = time.perf_counter()
                await lines[0].send(side.frame(mark))
                await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
            await asyncio.wait_for(all_here.wait(), timeout=120)
            spent = side.server.cpu_s() - before
    finally:
        for task in listeners:
            task.cancel()
        await asyncio.gather(*(line.close() for line in lines), return_exceptions=True)
    took.sort()
    return {
        "p50": took[len(took) // 2] * 1000,
        "p95": took[int(len(took) * 0.95)] * 1000,
        "per_cpu_s": MESSAGES * sockets / spent,
        "ms": spent * 1000 / (MESSAGES * sockets),
    }


async def run(args: argparse.Namespace, ours: Ours, bare: Bare) -> bool:
    """Whether a delivery costs us at most `WANTED_RATIO` times what it costs the echo."""
    good = True
    print(f"{'':8}{'sockets':>8}{'p50 ms':>9}{'p95 ms':>9}{'deliveries/CPU s':>18}{'CPU of echo':>13}")
    for sockets in args.sockets:
        rounds = {side.name: [] for side in (ours, bare)}
        for _ in range(args.rounds):
            for side in (ours, bare):
                rounds[side.name].append(await measure(side, sockets, DELIVERIES_PER_S / sockets))
        medians = {
            name: {key: statistics.median(found[key] for found in all_) for key in all_[0]}
            for name, all_ in rounds.items()
        }
        for name, figures in medians.items():
            ratio = figures["ms"] / medians[bare.name]["ms"]
            print(
                f"{name:8}{sockets:>8}{figures['p50']:>9.1f}{figures['p95']:>9.1f}"
                f"{figures['per_cpu_s']:>18.0f}{ratio:>12.2f}x"
            )
        good = good and medians[ours.name]["ms"] <= WANTED_RATIO * medians[bare.name]["ms"]
    return good

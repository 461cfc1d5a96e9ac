"""Delivery of chat messages: pairs, a thousand idle sockets, a restart, a long time, and a bare Channels echo beside us.

    bin/manage migrate && .venv/bin/python benchmarks/chat_delivery.py [pairs] [idle] [restart] [endure] [echo] [--rounds 3] ...

`pairs`: an agent and a visitor on their two sockets; the agent writes, and writes again as soon as the visitor has it.
One pair gives the time of a message through an idle house; twenty pairs at once give the throughput. Each pair is in
a tenant of its own, as agents are told everything of their tenant; `20 in one` puts them all behind one counter, where
each message is delivered to twenty agents and one visitor. `received` is from sending to arriving at the visitor.

`idle`: visitors' sockets that only listen, and agents of one tenant who write fifty messages a second together, each
told to every agent; with what a socket costs in memory.

`restart`: the process is ended as a deployment does it and started again at once; how long until everybody is back,
counted from the signal. Each visitor has a contact and a conversation of their own.

`endure`: both of these for ten minutes with a restart in the middle; afterwards everybody must have everything once.
Not part of a run that names no part.

`echo`: our agents' socket against an echo consumer that sends what it receives to a group, same frame length, same
number of sockets, turn by turn; deliveries per second of the server's CPU, and ours divided by the echo's.

CPU a message is counted by the operating system for the web process, for the PostgreSQL processes that serve this
database and for a Redis of our own. Ours counts everything these do meanwhile: storing message and event, the entries
of the outbox (not the worker that reads them), heartbeats, presence. The process runs as in production (`DEBUG=0`) and
a message is on the disk before it is told. The clients share the machine and are not counted; limits on how fast one
person may write are lifted for the measured process, nothing else is.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DEBUG", "1")

import django  # noqa: E402

django.setup()

from benchmarks.delivery import echo, endure, idle, pairs, restart  # noqa: E402
from benchmarks.delivery.machine import Machine, Server, on_disk, own_redis  # noqa: E402
from benchmarks.delivery.people import clean_up, make_crowd, make_pairs  # noqa: E402

PARTS = ("pairs", "idle", "restart", "endure", "echo")


def measure(args: argparse.Namespace) -> bool:
    """Every part that was asked for; whether all is as wanted."""
    alone = [f"bench-{os.getpid()}-{number}" for number in range(20)] if "pairs" in args.parts else []
    together = f"bench-{os.getpid()}-all"
    everybody = make_pairs([*alone, *[together] * 20])
    crowd = make_crowd(together, args.visitors) if {"idle", "restart", "endure"} & set(args.parts) else []
    good = True
    try:
        with own_redis() as (pid, address), contextlib.ExitStack() as running:
            os.environ["REDIS_URL"] = address
            server = Server("benchmarks.delivery.ours:application")
            running.callback(server.stop)
            machine, one = Machine(server, pid), everybody[len(alone)]
            if "pairs" in args.parts:
                groups = {"1": everybody[:1], "20": everybody[:20], "20 in one": everybody[20:]}
                asyncio.run(pairs.run(args, server, machine, groups))
            if "idle" in args.parts:
                asyncio.run(idle.run(args, server, machine, one, crowd))
            if "restart" in args.parts:
                asyncio.run(restart.run(server, machine, together, crowd))
            if "endure" in args.parts:
                good = asyncio.run(endure.run(args, server, machine, one, crowd))
            if "echo" in args.parts:
                bare = Server("benchmarks.delivery.bare:application")
                running.callback(bare.stop)
                good = asyncio.run(echo.run(args, echo.Ours(server, one), echo.Bare(bare, length=640))) and good
    finally:
        for slug in [*alone, together]:
            clean_up(slug)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--sockets", type=int, nargs="+", default=[100, 500], help="echo: how many listen")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a round of pairs, and of idle")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of endure")
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0)
    args = parser.parse_args()
    args.parts = args.parts or ["pairs", "idle", "restart", "echo"]
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with on_disk():
        good = measure(args)
    sys.exit(0 if good else "something was lost, or more than the wanted CPU was used")


if __name__ == "__main__":
    main()

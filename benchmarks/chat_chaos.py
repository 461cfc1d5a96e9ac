"""Twenty visitors, five agents, two thousand messages over a bad network, and ten kills between a commit and its push.

    bin/manage migrate && .venv/bin/python benchmarks/chat_chaos.py [--messages 2000] [--kills 10] [--seed 1]

The same storm as the suite's `chat/tests/test_chaos.py`, in full size. A proxy drops, doubles, delays and reorders frames and
cuts lines; the web process is killed with SIGKILL after a commit and before its push. Afterwards both sides must hold every
message once, in the order of the database, and no visitor a note. Prints what happened; ends with an error when not so.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DEBUG", "1")
os.environ["PYTHONPATH"] = str(ROOT)

import django  # noqa: E402

django.setup()

from django.utils import timezone  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from chat.models import Inbox, Message  # noqa: E402
from chat.services import conversations, messages, widget  # noqa: E402
from chat.tests import chaos  # noqa: E402
from chat.tests.process import web_process  # noqa: E402
from tenants.accounts.services import sessions  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.services import lifecycle, provisioning  # noqa: E402

SLUG = f"bench-chaos-{os.getpid()}"
PASSWORD = "balcao-demo"


def prepare(visitors: int, agents: int) -> tuple[list[tuple[str, str]], list[str]]:
    """A tenant of our own with conversations and their people."""
    owner = provisioning.Owner("owner@bench.example", "Olga", PASSWORD, "")
    tenant = provisioning.create(name="Chaos", slug=SLUG, owner=owner, wait=True)
    talks = []
    with tenant_context(tenant):
        inbox = Inbox.objects.earliest("created_at")
        for _ in range(visitors):
            visitor, token = widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())
            conversation = conversations.start(visitor=visitor, client_id=uuid4())
            messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, body="Hi", client_id=uuid4())
            talks.append((str(conversation.pk), token))
        tokens = [
            sessions.open_with_password(email="owner@bench.example", password=PASSWORD, now=timezone.now()).access
            for _ in range(agents)
        ]
    return talks, tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--agents", type=int, default=5)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.WARNING)
    talks, tokens = prepare(args.visitors, args.agents)
    tenant = Tenant.objects.get(slug=SLUG)
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            fuse = Path(folder) / "fuse"
            os.environ["CHAOS_FUSE"] = str(fuse)
            began = time.perf_counter()
            with web_process(application=chaos.APPLICATION, log=Path(folder) / "web.log") as web:
                outcome = asyncio.run(
                    chaos.storm(
                        web=web,
                        fuse=fuse,
                        slug=SLUG,
                        talks=talks,
                        agent_tokens=tokens,
                        messages=args.messages,
                        kills=args.kills,
                        already=2,
                        seed=args.seed,
                    )
                )
            lasted = time.perf_counter() - began
        with tenant_context(tenant):
            stored = Message.objects.count()
            chaos.judge(outcome)
    finally:
        lifecycle.delete(tenant=tenant, grace=timedelta(0), by="benchmark")
        lifecycle.purge(tenant=tenant, by="benchmark")
    lines = sum(client.connections for client in [*outcome.visitors, *outcome.agents])
    print(
        f"{args.messages} messages by {args.visitors} visitors and {args.agents} agents in {lasted:.0f} s; {outcome.kills}"
        f" kills between commit and push; {lines} connections; frames: {dict(outcome.network)}."
    )
    good = stored == args.messages + args.visitors and outcome.kills == args.kills
    sys.exit(0 if good else f"{stored} messages are stored, {outcome.kills} kills happened")


if __name__ == "__main__":
    main()

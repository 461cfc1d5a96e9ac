"""A counter with 50,000 conversations and 1,000,000 messages, beside one with a thousand messages in the same run.

    bin/dev (or any PostgreSQL in DATABASE_URL), then:
    .venv/bin/python benchmarks/million.py [--conversations 50000] [--messages 1000000] [--rounds 7] [--plans] [--only TEXT]

Fills two tenants of a throw-away database (`chat/tests/volume.py`: a few minutes), then asks for what people look at all
day: the list with each tab, filter and order, search, a long thread and its beginning, reports, people, catching up. The
two tenants take turns. Printed for each: the median time of the database and of the whole answer in this process, the
ratio of the large tenant's to the small one's, pages of the database touched, size of the answer, and the tables that were
read from end to end. `--plans` prints the plans of what was slow.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import throwaway  # noqa: F401 — first: it points Django at a database of its own
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tenants.utils import schema_context

from billing import entitlements
from billing.models import Subscription
from billing.tests.factories import PlanFactory
from chat.models import Conversation
from chat.queries import stream, thread
from chat.tests import plans, volume
from ops.kernel import redis
from tenants.accounts.models import Role, User
from tenants.models import Tenant
from tenants.services import provisioning

SLOW_MS = 50


def tenant(slug: str) -> Tenant:
    """A tenant of the product's own making."""
    owner = provisioning.Owner(f"ana@{slug}.example", "Ana", "balcao-demo", "")
    return provisioning.create(name=slug.title(), slug=slug, owner=owner, wait=True)


class Counter:
    """One tenant with what is asked of it."""

    def __init__(self, slug: str, *, conversations: int, messages: int) -> None:
        owned = tenant(slug)
        plan = PlanFactory(flags={"analytics": True}, limits={})
        Subscription.objects.filter(tenant=owned).update(plan=plan)
        entitlements.forget(owned)
        self.slug, self.schema = slug, owned.schema_name
        with schema_context(self.schema):
            began = time.perf_counter()
            self.made = volume.fill(conversations=conversations, messages=messages, now=timezone.now())
            print(f"{slug}: {messages:,} messages in {time.perf_counter() - began:.0f} s")
            self.owner = User.objects.filter(role=Role.objects.get(slug="owner")).first()
            self.client = Client(headers={"host": f"{slug}.{settings.PLATFORM_DOMAIN}"})
            self.client.force_login(self.made.agents[0])
            self.boss = Client(headers={"host": f"{slug}.{settings.PLATFORM_DOMAIN}"})
            self.boss.force_login(self.owner)
            self.paths = self._paths()

    def _paths(self) -> dict[str, Callable[[], bytes]]:
        pages, reports = volume.addresses(self.made)
        paths = {name: self._get(self.client, path) for name, path in pages.items()}
        paths |= {name: self._get(self.boss, path) for name, path in reports.items()}
        place = stream.now()
        link = Conversation.objects.get(number=self.made.longest).contact_inbox_id
        paths["catch-up, nothing new"] = lambda: repr(stream.after(place)).encode()
        paths["catch-up, 500 events"] = lambda: repr(stream.after(self._back(500))).encode()
        paths["heads, 500 events"] = lambda: repr(stream.heads_after(self._back(500))).encode()
        paths["visitor's list"] = lambda: repr(list(thread.for_visitor(link))).encode()
        return paths

    def _back(self, events: int) -> stream.Cursor:
        """The place before the last events."""
        with connection.cursor() as sql:
            sql.execute(
                "SELECT e.xid::text::bigint, e.id FROM chat_chatevent e ORDER BY e.xid DESC, e.id DESC OFFSET %s LIMIT 1",
                [events],
            )
            xid, key = sql.fetchone() or (3, 0)
        return stream.Cursor(stream.epoch(), xid, key)

    def _get(self, client: Client, path: str) -> Callable[[], bytes]:
        def get() -> bytes:
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.status_code, answer.content[:300])
            return answer.content

        return get


class Clock:
    """Time that statements took, as this process saw it."""

    def __init__(self) -> None:
        self.spent = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spent += time.perf_counter() - began


def measure(counter: Counter, ask: Callable[[], bytes]) -> tuple[float, float, int]:
    """Milliseconds of the database and in all, and the size of the answer. Nothing is remembered from before."""
    redis.client().flushdb()
    with schema_context(counter.schema):
        clock = Clock()
        with connection.execute_wrapper(clock):
            began = time.perf_counter()
            size = len(ask())
            return 1000 * clock.spent, 1000 * (time.perf_counter() - began), size


def look(counter: Counter, ask: Callable[[], bytes]) -> list[plans.Plan]:
    """Plans of everything that is asked, analysed."""
    redis.client().flushdb()
    with schema_context(counter.schema):
        with plans.asked() as asked:
            ask()
        with schema_context(counter.schema):
            return [plans.plan(sql, params, analyse=True) for sql, params in asked]


def show(node: dict[str, Any], depth: int = 0) -> None:
    """A plan as people read it."""
    where = node.get("Relation Name") or node.get("Index Name") or ""
    index = f" by {node['Index Name']}" if node.get("Index Name") and node.get("Relation Name") else ""
    took = f"{node['Actual Total Time']:.1f} ms × {node['Actual Loops']}, {node['Actual Rows']} rows"
    print(f"{'  ' * (depth + 3)}{node['Node Type']} {where}{index}: {took}, {node.get('Shared Hit Blocks', 0)} pages")
    for part in node.get("Plans", []):
        show(part, depth + 1)


def main() -> None:
    """Fill, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--conversations", type=int, default=50_000)
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--only", default="")
    options.add_argument("--plans", action="store_true")
    given = options.parse_args()
    settings.READY_SCHEMAS = 0
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    small = Counter("pequena", conversations=50, messages=1_000)
    large = Counter("grande", conversations=given.conversations, messages=given.messages)
    print(f"\n{'':<46}{'database':>10}{'in all':>10}{'ratio':>8}{'pages':>9}{'answer':>10}  read from end to end")
    for name, ask in large.paths.items():
        if given.only not in name:
            continue
        other = small.paths[name]
        measure(large, ask), measure(small, other)
        turns = [(measure(large, ask), measure(small, other)) for _ in range(given.rounds)]
        database, whole, size = (statistics.median(one[0][part] for one in turns) for part in range(3))
        usual = statistics.median(one[1][1] for one in turns)
        found = look(large, ask)
        tables = set().union(*(plan.read_whole() for plan in found)) if found else set()
        pages = sum(plan.pages() for plan in found)
        print(
            f"{name:<46}{database:>7.1f} ms{whole:>7.1f} ms{whole / usual:>8.1f}{pages:>9,}{size / 1024:>7.1f} KB"
            f"  {', '.join(sorted(tables))}",
            flush=True,
        )
        if given.plans and database > SLOW_MS:
            for plan in sorted(found, key=lambda plan: -plan.root["Actual Total Time"])[:2]:
                print(f"    {' '.join(plan.sql.split())[:600]}")
                show(plan.root)


if __name__ == "__main__":
    main()

"""Making a tenant against Django's own migration of an empty schema, in the same run.

    bin/dev (or any PostgreSQL in DATABASE_URL), then: .venv/bin/python benchmarks/provisioning.py [--tenants 15] [--stock 3]

Three ways take turns in one throw-away database:
- stock: `migrate_schemas` of django-tenants in an empty schema;
- script: the prepared script is replayed while the customer waits, which is what happens with no ready schema at hand;
- ready: a schema formed in advance is taken, which is what a customer gets as long as the worker keeps some ready.
  Forming one is the script's work at another time: it is measured too, and named, and not part of the customer's wait.

Of ours two are measured: the schema alone, which is what the baseline makes, and everything a customer waits for: row,
host, job, schema, owner, the apps' first settings, events. Wanted: a tenant at least 15 times faster than the stock
schema, and in a median under 0.6 s on an idle machine, also from the script.
"""

import argparse
import itertools
import os
import statistics
import sys
import time
from dataclasses import dataclass, field

import throwaway  # noqa: F401 — first: it makes the database
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import schema_context

from tenants.enums import READY_PREFIX, TEMPLATE_SCHEMA
from tenants.models import Tenant
from tenants.services import provisioning, ready

WANTED_RATIO = 15.0
WANTED_MEDIAN_S = 0.6
TURNS = 3


formed: list[float] = []
_form_schema = provisioning.form_schema


def timed_form_schema(tenant: Tenant) -> None:
    started = time.perf_counter()
    _form_schema(tenant)
    formed.append(time.perf_counter() - started)


provisioning.form_schema = timed_form_schema


@dataclass
class Times:
    """Seconds, one entry a tenant."""

    schema: list[float] = field(default_factory=list)
    tenant: list[float] = field(default_factory=list)


def ours(number: int, into: Times) -> None:
    formed.clear()
    started = time.perf_counter()
    provisioning.create(
        name=f"Bench {number}",
        slug=f"bench-{number}",
        owner=provisioning.Owner(f"owner@bench{number}.example", "Owner"),
        wait=True,
    )
    into.tenant.append(time.perf_counter() - started)
    into.schema += formed


def by_script(numbers: list[int], into: Times) -> None:
    settings.READY_SCHEMAS = 0
    for number in numbers:
        ours(number, into)


def from_ready(numbers: list[int], into: Times, filling: list[float]) -> None:
    """The worker's part first: nobody waits for it, and here nobody does it meanwhile."""
    settings.READY_SCHEMAS = len(numbers)
    started = time.perf_counter()
    made = ready.keep()
    filling.append((time.perf_counter() - started) / made)
    before = at_hand()
    for number in numbers:
        ours(number, into)
    assert (before, at_hand()) == (len(numbers), 0), "a tenant did not get a ready schema"


def at_hand() -> int:
    with schema_context("public"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE starts_with(nspname, %s)", [READY_PREFIX])
        return cursor.fetchone()[0]


def stock(number: int) -> float:
    schema = f"stock_{number}"
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema}"')
    call_command("migrate_schemas", schema_name=schema, interactive=False, verbosity=0)
    connection.set_schema_to_public()
    return time.perf_counter() - started


def tables(schema: str) -> int:
    with schema_context("public"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [schema])
        return cursor.fetchone()[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=15, help="of each of our two ways")
    parser.add_argument("--stock", type=int, default=6)
    asked = parser.parse_args()
    if min(asked.tenants, asked.stock) < TURNS:
        parser.error(f"at least {TURNS} of each: the ways take turns")
    started = time.perf_counter()
    call_command("migrate", interactive=False, verbosity=0)
    print(f"public and template migrated in {time.perf_counter() - started:.1f} s, load {os.getloadavg()[0]:.1f}")
    by_script([0], Times())  # imports and first connections are nobody's tenant

    script, taken, slow, filling = Times(), Times(), [], []
    numbers = itertools.count(1)

    def turn(number: int, whole: int) -> list[int]:
        return [next(numbers) for _ in range(whole * number // TURNS, whole * (number + 1) // TURNS)]

    made: dict[str, int] = {}
    for number in range(TURNS):
        for way, wanted in (("script", asked.tenants), ("ready", asked.tenants), ("stock", asked.stock)):
            here = turn(number, wanted)
            if way == "script":
                by_script(here, script)
            elif way == "ready":
                from_ready(here, taken, filling)
            else:
                slow += [stock(one) for one in here]
            made[way] = here[-1]

    counted = [
        tables(f"t_bench_{made['script']}"),
        tables(f"t_bench_{made['ready']}"),
        tables(f"stock_{made['stock']}"),
    ]
    same = set(counted) == {tables(TEMPLATE_SCHEMA)}
    print(f"tables per tenant: {counted[0]}{'' if same else f' (the ways differ: {counted})'}")
    base = statistics.median(slow)
    print(f"{'':<28} {'median':>8} {'min':>8} {'max':>8} {'n':>4} {'times faster than stock':>25}")
    for name, times in (
        ("stock schema", slow),
        ("schema, script replayed", script.schema),
        ("tenant, script replayed", script.tenant),
        ("schema, ready one taken", taken.schema),
        ("tenant, ready one taken", taken.tenant),
        ("(forming a ready one)", filling),
    ):
        middle = statistics.median(times)
        print(f"{name:<28} {middle:7.3f}s {min(times):7.3f}s {max(times):7.3f}s {len(times):4} {base / middle:24.1f}x")
    ratio = base / statistics.median(taken.tenant)
    print(
        f"a whole tenant from a ready schema: {ratio:.1f} times faster than the stock schema alone (wanted:"
        f" {WANTED_RATIO:.0f}); with none at hand {base / statistics.median(script.tenant):.1f} times, the schema alone"
        f" {base / statistics.median(script.schema):.1f} times. Median wanted on an idle machine: {WANTED_MEDIAN_S} s;"
        f" load now {os.getloadavg()[0]:.1f}"
    )
    return 0 if same and ratio >= WANTED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

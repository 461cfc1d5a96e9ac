"""Making a tenant by the prepared script against Django's own migration of an empty schema, in the same run.

    bin/dev (or any PostgreSQL in DATABASE_URL), then: .venv/bin/python benchmarks/provisioning.py [--tenants 15] [--stock 3]

Two of ours are measured: the schema alone, which is what the baseline (`migrate_schemas` of django-tenants) makes, and
everything a customer waits for: row, host, job, schema, owner, the apps' first settings, events. Both ways take turns in
one throw-away database. Wanted: the schema at least 15 times faster, and the whole in a median under 0.6 s on an idle
machine. The gain grows with the number of tables: migrating costs Python for each, replaying only PostgreSQL's share.
"""

import argparse
import os
import statistics
import sys
import time

import throwaway  # noqa: F401 — first: it makes the database
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import schema_context

from tenants.enums import TEMPLATE_SCHEMA
from tenants.models import Tenant
from tenants.services import provisioning

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


def ours(number: int) -> float:
    started = time.perf_counter()
    provisioning.create(
        name=f"Bench {number}",
        slug=f"bench-{number}",
        owner=provisioning.Owner(f"owner@bench{number}.example", "Owner"),
        wait=True,
    )
    return time.perf_counter() - started


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
    parser.add_argument("--tenants", type=int, default=15)
    parser.add_argument("--stock", type=int, default=3)
    asked = parser.parse_args()
    started = time.perf_counter()
    call_command("migrate", interactive=False, verbosity=0)
    print(f"public and template migrated in {time.perf_counter() - started:.1f} s, load {os.getloadavg()[0]:.1f}")
    ours(0)  # imports and first connections are nobody's tenant
    formed.clear()

    fast: list[float] = []
    slow: list[float] = []
    numbers = iter(range(1, asked.tenants + asked.stock + 1))
    for turn in range(TURNS):
        fast += [ours(next(numbers)) for _ in range(asked.tenants * turn // TURNS, asked.tenants * (turn + 1) // TURNS)]
        slow += [stock(next(numbers)) for _ in range(asked.stock * turn // TURNS, asked.stock * (turn + 1) // TURNS)]

    same = tables("t_bench_1") == tables("stock_" + str(asked.tenants // TURNS + 1)) == tables(TEMPLATE_SCHEMA)
    ratio = statistics.median(slow) / statistics.median(formed)
    whole = statistics.median(slow) / statistics.median(fast)
    print(f"tables per tenant: {tables('t_bench_1')}{'' if same else ' (the ways differ)'}")
    for name, times in (("stock schema", slow), ("our schema", formed), ("our tenant", fast)):
        print(
            f"{name:<13} median {statistics.median(times):.3f} s, min {min(times):.3f}, max {max(times):.3f}, n={len(times)}"
        )
    print(f"ratio         {ratio:.1f} times faster than stock migrate_schemas (wanted: {WANTED_RATIO:.0f})")
    print(f"whole tenant  {whole:.1f} times faster than the stock schema alone")
    print(
        f"median        {statistics.median(fast):.3f} s a whole tenant (wanted on an idle machine: {WANTED_MEDIAN_S}),"
        f" load now {os.getloadavg()[0]:.1f}"
    )
    return 0 if same and ratio >= WANTED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

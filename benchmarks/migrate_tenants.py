"""Bringing many tenants up to date: our drift check and replay against `migrate_schemas` of django-tenants, in the same run.

    .venv/bin/python benchmarks/migrate_tenants.py [--tenants 200] [--stock 20]

In a throw-away database with that many tenants: first a run with nothing to do, then a deploy that adds one migration
(two columns, an index and a constraint). The baseline does the same, one tenant after the other, for a sample spread over
the list; its median a tenant is scaled to as many as ours did. `--stock` as large as `--tenants` measures the first part
without a sample; in the second, what the baseline has migrated is not there for ours, so some must be left.
Wanted: at least 20 times faster in both.
"""

import argparse
import os
import statistics
import sys
import time

import throwaway  # noqa: F401 — first: it makes the database
from django.conf import settings
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import schema_context

from tenants.queries import drift
from tenants.services import migrating, provisioning

WANTED_RATIO = 20.0
KEY = ("accounts", "9999_benchmark")


def deploy() -> None:
    """A migration that was not there before, as after a `git pull`."""
    leaf = MigrationLoader(connection).graph.leaf_nodes("accounts")[0]
    made = type(
        "Migration",
        (migrations.Migration,),
        {
            "dependencies": [leaf],
            "operations": [
                migrations.AddField("user", "nickname", models.CharField(max_length=40, default="")),
                migrations.AddField("user", "shoe_size", models.IntegerField(null=True)),
                migrations.AddIndex("user", models.Index(fields=["nickname"], name="bench_nickname")),
                migrations.AddConstraint(
                    "user", models.CheckConstraint(condition=models.Q(shoe_size__gt=0), name="bench_shoe_size")
                ),
            ],
        },
    )
    real = MigrationLoader.load_disk

    def load_disk(self: MigrationLoader) -> None:
        real(self)
        self.disk_migrations[KEY] = made(KEY[1], KEY[0])

    MigrationLoader.load_disk = load_disk


def stock(schemas: list[str]) -> list[float]:
    """Seconds for each tenant, the way django-tenants does it."""
    taken = []
    for schema in schemas:
        started = time.perf_counter()
        call_command("migrate_schemas", schema_name=schema, interactive=False, verbosity=0)
        taken.append(time.perf_counter() - started)
    connection.set_schema_to_public()
    return taken


def told(what: str, ours: float, each: list[float], tenants: int) -> float:
    whole = statistics.median(each) * tenants
    ratio = whole / ours
    print(f"{what}")
    print(f"  ours   {ours:.2f} s for {tenants} tenants ({ours / tenants * 1000:.1f} ms each)")
    print(
        f"  stock  {statistics.median(each):.3f} s median a tenant (min {min(each):.3f}, max {max(each):.3f}, n={len(each)}),"
        f" scaled: {whole:.0f} s for {tenants}"
    )
    print(f"  ratio  {ratio:.1f} times faster than migrate_schemas (wanted: {WANTED_RATIO:.0f})")
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--stock", type=int, default=20)
    asked = parser.parse_args()
    settings.READY_SCHEMAS = 0  # no worker runs here that would form them
    call_command("migrate", interactive=False, verbosity=0)
    started = time.perf_counter()
    for number in range(asked.tenants):
        provisioning.create(name=f"Bench {number}", slug=f"bench-{number}", wait=True)
    took = time.perf_counter() - started
    print(
        f"{asked.tenants} tenants made in {took:.0f} s ({took / asked.tenants:.2f} s each), load {os.getloadavg()[0]:.1f}"
    )

    schemas = drift.tenant_schemas()
    idle = []
    for _ in range(5):
        started = time.perf_counter()
        report = migrating.run()
        idle.append(time.perf_counter() - started)
        assert not report.changed
    sample = schemas[:: max(1, asked.tenants // asked.stock)][: asked.stock]
    nothing = told("nothing to do", statistics.median(idle), stock(sample), asked.tenants)

    deploy()
    # Public and template first, by themselves: both ways need them, and neither is counted.
    everybody = drift.tenant_schemas
    drift.tenant_schemas = list
    migrating.run()
    drift.tenant_schemas = everybody
    sample = sample[: asked.tenants // 2]
    each = stock(sample)
    started = time.perf_counter()
    report = migrating.run()
    taken = time.perf_counter() - started
    assert not report.failed
    assert len(report.replayed) == asked.tenants - len(sample)
    with schema_context(schemas[-1]), connection.cursor() as cursor:
        cursor.execute("SELECT shoe_size, nickname FROM accounts_user LIMIT 1")
    one = told("one migration", taken, each, len(report.replayed))

    return 0 if min(nothing, one) >= WANTED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

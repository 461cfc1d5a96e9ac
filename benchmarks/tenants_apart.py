"""Two tenants hammered through every kind of door at once; no row of one may show in the other.

    bin/dev (or any PostgreSQL and Redis), then: .venv/bin/python benchmarks/tenants_apart.py [--times 10000]

Two threads and two event loops, each changing between the tenants at every step: pages, the API, sockets, tasks, the
cache, files and the search. Each tenant's rows hold a word of its own that no other place says; an answer with the
other tenant's word is a foreign row. The suite runs the same for a few seconds (`config/tests/test_hammer.py`).
"""

import argparse
import sys
import time

import throwaway  # noqa: F401 — points DATABASE_URL at a database of its own, before anything of Django
from django.core.management import call_command
from django_tenants.utils import schema_context

from config.tests import hammer
from tenants.models import Tenant
from tenants.services import provisioning


def main() -> int:
    """Make the tenants, hammer, and say what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=10_000)
    chosen = options.parse_args()
    call_command("migrate", verbosity=0)
    tenants = []
    for slug in ("acme", "beta"):
        with schema_context("public"):
            owner = provisioning.Owner(f"ana@{slug}.example", "Ana", "a long password", "")
            tenants.append(provisioning.create(name=slug.title(), slug=slug, owner=owner, wait=True))
    cast = [hammer.lay_out(Tenant.objects.get(pk=tenant.pk)) for tenant in tenants]
    began = time.monotonic()
    found = hammer.run(cast, times=chosen.times)
    for door, count in sorted(found.knocks.items()):
        print(f"{door:<10}{count:>8}")
    print(f"{sum(found.knocks.values())} knocks in {time.monotonic() - began:.0f} s, {len(found.foreign)} foreign rows")
    print(*found.foreign[:20], sep="\n")
    return 1 if found.foreign else 0


if __name__ == "__main__":
    sys.exit(main())

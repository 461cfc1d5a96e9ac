"""Questions and processor time of every page of the console, for resellers of 120 customers against an empty one.

    bin/dev (or any PostgreSQL in DATABASE_URL), then: .venv/bin/python benchmarks/console.py [--customers 120] [--rounds 7]

Makes three resellers with rows and without schemas: two with `--customers` customers each (subscriptions, readings,
counted months, jobs, visits, announcements), and one with none, whose pages are the baseline. Every page is asked for
in this process by Django's test client, so that only processor time of our code counts (`time.process_time`, which a
busy machine does not change); the median of the rounds after one that warms up. Wanted: at most 300 ms a page, and as
many questions for 120 customers as for 12.

Measured on two shared, busy cores (120 customers): see benchmarks/README.md.
"""

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from datetime import timedelta

from cryptography.fernet import Fernet

# As in production: templates are kept, questions are not written down while the time is measured.
os.environ["DEBUG"] = "0"
os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="balcao-console-")
os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
os.environ["FIELD_KEYS"] = Fernet.generate_key().decode()
os.environ["SECURE_SSL_REDIRECT"] = "0"

import throwaway  # noqa: F401 — points DATABASE_URL at a database of its own, before anything of Django
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.enums import PriceKind
from billing.models import GaugeReading, Plan, PlanPrice, Subscription
from ops.kernel.metering import services as metering
from ops.kernel.metering.models import UsageCounter
from tenants.accounts.models import User
from tenants.enums import JobKind, JobState, ResellerRole, TenantStatus
from tenants.models import Announcement, Domain, ImpersonationGrant, Reseller, ResellerMember, Tenant, TenantJob
from tenants.services import domains

WANTED_MS = 300.0
PAGES = (
    "index",
    "tenants_tenant_changelist",
    "billing_usage",
    "billing_margin",
    "billing_prices",
    "billing_plan_changelist",
    "tenants_tenantjob_changelist",
    "tenants_impersonationgrant_changelist",
    "tenants_announcement_changelist",
    "tenants_announcement_add",
    "tenants_resellermember_changelist",
    "tenants_branding_changelist",
    "tenants_console_addresses",
    "tenants_tenant_add",
)
VARIANTS = {
    "customers, sorted by plan": ("tenants_tenant_changelist", "?o=3"),
    "customers, searched": ("tenants_tenant_changelist", "?q=cliente"),
    "customers, all on a page": ("tenants_tenant_changelist", "?all="),
    "usage, near the limit": ("billing_usage", "?near=1"),
    "margin as CSV": ("billing_margin", "?format=csv"),
}


def reseller(slug: str) -> tuple[Reseller, Client]:
    """A reseller with a host and an owner who is logged in."""
    row = Reseller.objects.create(name=slug.title(), slug=slug)
    domains.open_console(reseller=row)
    owner = User.objects.create_user(f"owner@{slug}.example", "a long password", name="Owner", is_staff=True)
    ResellerMember.objects.create(reseller=row, user=owner, role=ResellerRole.OWNER)
    client = Client(headers={"host": f"{slug}.localhost"})
    client.force_login(owner)
    return row, client


def fill(row: Reseller, first: int, count: int) -> None:
    """Customers as rows: what lists show of them lies in public."""
    now = timezone.now()
    plans = list(Plan.objects.order_by("order")[:3])
    tenants = [
        Tenant(
            name=f"Cliente {row.slug} {number}",
            slug=f"{row.slug}-{number}",
            schema_name=f"t_{row.slug}_{number}",
            reseller=row,
            status=TenantStatus.SUSPENDED if number % 17 == 0 else TenantStatus.ACTIVE,
        )
        for number in range(first, first + count)
    ]
    Tenant.objects.bulk_create(tenants)
    Domain.objects.bulk_create([Domain(tenant=one, domain=f"{one.slug}.localhost", is_primary=True) for one in tenants])
    Subscription.objects.bulk_create(
        [
            Subscription(tenant=one, plan=plans[n % 3], starts_at=now - timedelta(days=n))
            for n, one in enumerate(tenants)
        ]
    )
    GaugeReading.objects.bulk_create(
        [
            GaugeReading(tenant=one, key=key, used=n % 12, counted_at=now)
            for n, one in enumerate(tenants)
            for key in ("chat.agents", "storage.bytes", "chat.inboxes")
        ]
    )
    UsageCounter.objects.bulk_create(
        [
            UsageCounter(
                schema=one.schema_name, meter="chat.conversations", period=metering.month_of(now), quantity=n * 9
            )
            for n, one in enumerate(tenants)
        ]
    )
    TenantJob.objects.bulk_create(
        [
            TenantJob(tenant=one, kind=JobKind.PROVISION, state=JobState.FAILED if n % 5 == 0 else JobState.DONE)
            for n, one in enumerate(tenants)
        ]
    )
    ImpersonationGrant.objects.bulk_create(
        [
            ImpersonationGrant(
                tenant=one,
                reseller=row,
                person_id=one.pk,
                person_name="Renata",
                person_email="renata@x.example",
                role="viewer",
                reason="The widget does not open",
                minutes=15,
                valid_until=now,
            )
            for one in tenants
        ]
    )
    Announcement.objects.bulk_create(
        [Announcement(reseller=row, title_pt=f"Aviso {n}", starts_at=now) for n in range(count // 4)]
    )


def prices() -> None:
    """Wholesale and list prices of the catalogue."""
    now = timezone.now() - timedelta(days=400)
    PlanPrice.objects.bulk_create(
        [
            PlanPrice(plan=plan, kind=kind, amount_cents=cents * plan.order, starts_at=now)
            for plan in Plan.objects.all()
            for kind, cents in ((PriceKind.WHOLESALE, 10_000), (PriceKind.LIST, 19_700))
        ]
    )


def ask(client: Client, address: str, rounds: int) -> tuple[int, float]:
    """Questions, and the median of the processor time in milliseconds."""
    _read(client, address)
    with CaptureQueriesContext(connection) as asked:
        _read(client, address)
    count = len([one for one in asked if "search_path" not in one["sql"]])
    times = []
    for _ in range(rounds):
        began = time.process_time()
        _read(client, address)
        times.append((time.process_time() - began) * 1000)
    return count, statistics.median(times)


def _read(client: Client, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise SystemExit(f"{address}: {response.status_code}")
    _ = b"".join(response.streaming_content) if response.streaming else response.content


def main() -> int:
    """Print the table; the exit code says whether all is as wanted."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=120)
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    prices()
    _nobody, empty = reseller("vazia")
    (sul, at_sul), (norte, _at_norte) = reseller("sul"), reseller("norte")
    fill(sul, 0, 12)
    fill(norte, 0, chosen.customers)
    admin = User.objects.create_superuser("admin@x.example", "a long password")
    at_home = Client(headers={"host": "localhost"})
    at_home.force_login(admin)
    addresses = {name: reverse(f"admin:{name}", urlconf="config.urls_public") for name in PAGES}
    addresses |= {
        words: reverse(f"admin:{name}", urlconf="config.urls_public") + query
        for words, (name, query) in VARIANTS.items()
    }
    few = {name: ask(at_sul, address, 1)[0] for name, address in addresses.items()}
    fill(sul, 12, chosen.customers - 12)
    print(f"{'page':<42}{'questions':>10}{'CPU ms':>9}{'empty ms':>10}{'at home ms':>12}")
    wrong = []
    for name, address in addresses.items():
        count, cost = ask(at_sul, address, chosen.rounds)
        _count, nothing = ask(empty, address, chosen.rounds)
        home = ask(at_home, address, chosen.rounds)[1] if _is_at_home(name) else None
        print(f"{name:<42}{count:>10}{cost:>9.0f}{nothing:>10.0f}{'–' if home is None else f'{home:.0f}':>12}")
        if cost > WANTED_MS or (home or 0) > WANTED_MS:
            wrong.append(f"{name} takes more than {WANTED_MS:.0f} ms")
        if count != few[name]:
            wrong.append(f"{name} asks {few[name]} questions for 12 customers and {count} for {chosen.customers}")
    print(*(wrong or ["All as wanted."]), sep="\n")
    return 1 if wrong else 0


def _is_at_home(name: str) -> bool:
    return not any(word in name for word in ("margin", "branding", "console_addresses"))


if __name__ == "__main__":
    sys.exit(main())

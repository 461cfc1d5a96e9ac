"""The cast of every test: two tenants made once, the people in them, and a fake outside world.

`acme` and `beta` are made by the product's own provisioning, once a session (and kept with `--reuse-db`). Each test
runs in a transaction that is rolled back; a test that must commit is marked `transactional` and has the tables
emptied afterwards. Every test process has its own database and its own Redis keys.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pytest
from django.conf import settings
from django.test import Client, TransactionTestCase

from config.settings import broker_url

NAMES = ("acme", "beta")
MEDIA = pytest.StashKey[Path]()
PASSWORD = "balcao-demo"  # everybody's in tests
# Rows of a fresh schema that are the same for everybody; the rest of a tenant's tables is emptied after a commit.
KEPT = ("django_migrations", "django_content_type", "auth_permission", "accounts_role", "accounts_role_permissions")
KEPT_IN_PUBLIC = (*KEPT, "billing_plan", "tenants_tenant", "tenants_domain", "tenants_templatescript")


def pytest_configure(config: pytest.Config) -> None:
    """Own files and Redis keys for each test process, and a hash that does not cost a tenth of a second a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.READY_SCHEMAS = 0
    _be_patient()
    _repeat_examples()
    config.stash[MEDIA] = Path(tempfile.mkdtemp(prefix="balcao-media-"))
    settings.STORAGE_URL = f"file://{config.stash[MEDIA]}"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        _use_redis_database(8 + int(worker.removeprefix("gw")) % 8)


def _be_patient() -> None:
    """Nothing is given up or forgotten by the clock while a busy machine lets a test wait.

    What is remembered for seconds is remembered through a test: one that counts questions must not count by the clock.
    """
    from billing import entitlements
    from chat.consumers import base, pulse
    from ops.kernel import redis
    from ops.kernel.configuration.services import reading
    from ops.kernel.testing import PATIENCE_S
    from tenants.queries import alerts, hosts

    entitlements.CACHE_S = reading.CHANGING_S = alerts.KEPT_S = 600
    hosts.TTL_S = 600.0
    base.HELLO_WITHIN_S = pulse.HEARTBEAT_S = 600
    redis.ANSWER_WITHIN_S = redis.CONNECT_WITHIN_S = PATIENCE_S
    settings.CACHES["default"]["OPTIONS"] = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}


def _repeat_examples() -> None:
    """Properties are tried with the same examples every time, however long one takes."""
    hypothesis.settings.register_profile(
        "house", derandomize=True, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    hypothesis.settings.load_profile("house")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Uploaded files of the tests go with them."""
    if MEDIA in config.stash:
        shutil.rmtree(config.stash[MEDIA], ignore_errors=True)


def _use_redis_database(number: int) -> None:
    """Tests empty their Redis database, so two processes may not share one. Before anything has connected."""
    url = urlsplit(settings.REDIS_URL)
    if url.scheme == "unix":
        address = f"unix://{url.path}?db={number}"  # urlunsplit would drop the slashes of an empty host
    else:
        address = urlunsplit(url._replace(path=f"/{number}"))
    os.environ["REDIS_URL"] = address  # for the processes that tests start
    settings.REDIS_URL = settings.CACHES["default"]["LOCATION"] = address
    settings.CELERY_BROKER_URL = settings.CELERY_RESULT_BACKEND = broker_url(address)
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    layer["hosts"][0]["address"] = address
    layer["prefix"] = f"live{number}"  # Redis publishes across its databases


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`@pytest.mark.transactional` is the house's word for a test that commits."""
    for item in items:
        if item.get_closest_marker("transactional") and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(transaction=True))
        # A file stays together for its browser; tests of the commands watch the whole machine, so one at a time.
        folder = item.path.parent
        item.add_marker(pytest.mark.xdist_group("embedded" if folder.name == "embedded" else str(item.path)))


# --- The database and the two tenants -----------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_use_migrations: bool,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """The test database, migrated as in production, with `acme` and `beta` in it."""
    from django.db import connection
    from django.test.utils import setup_databases

    with django_db_blocker.unblock():
        setup_databases(
            verbosity=0, interactive=False, keepdb=django_db_keepdb and not django_db_createdb, serialized_aliases=[]
        )
        connection.set_schema_to_public()
        _make_cast()
    yield
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        if not django_db_keepdb:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            connection.close()
            connection.close_pool()
            with connection._nodb_cursor() as cursor:
                # Threads of asynchronous tests still hold connections, or make new ones; nobody will ever close them.
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _make_cast() -> None:
    from tenants.models import Tenant
    from tenants.services import provisioning

    for name in NAMES:
        if not Tenant.objects.filter(slug=name).exists():
            provisioning.create(
                name=name.title(),
                slug=name,
                owner=provisioning.Owner(f"ana@{name}.example", "Ana", PASSWORD, ""),
                wait=True,
            )
    # Empty, but for what a test asks for by name.
    _empty_tables()


def _empty_tables(connection: Any = None) -> None:
    """Empty every table of the cast and of public, but for the rows a fresh schema has; drop schemas tests made."""
    from django.db import connection as default

    from tenants.queries import drift

    connection = connection or default
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        for schema in drift.orphans():
            cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
        cursor.execute("SELECT schema_name FROM tenants_tenant WHERE schema_name LIKE 't\\_%'")
        for (schema,) in cursor.fetchall():
            if schema not in _schemas():
                cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        # Not a trigger speaks: the ledgers refuse to be emptied by anybody else. DELETE of an empty table costs
        # nothing, TRUNCATE of a hundred costs a second.
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) AND NOT tablename = ANY(%s)"
                " UNION ALL SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)",
                [list(_schemas()), list(KEPT), list(KEPT_IN_PUBLIC)],
            )
            tables = cursor.fetchall()
            cursor.execute("".join(f'DELETE FROM "{schema}"."{table}";' for schema, table in tables))
            keep = [*_schemas(), "public", "zz_tenant_template_zz"]
            cursor.execute(
                "DELETE FROM tenants_domain d USING tenants_tenant t WHERE t.id = d.tenant_id"
                " AND (NOT t.schema_name = ANY(%s) OR d.reseller_id IS NOT NULL"
                "      OR d.domain NOT IN (%s, 'acme.' || %s, 'beta.' || %s))",
                [keep, *[settings.PLATFORM_DOMAIN] * 3],
            )
            cursor.execute("DELETE FROM tenants_tenant WHERE NOT schema_name = ANY(%s)", [keep])
            cursor.execute(
                "UPDATE tenants_tenant SET status = 'active', reseller_id = NULL, suspended_at = NULL, suspend_reason = '',"
                " archived_at = NULL, delete_after = NULL, language = 'pt-br', time_zone = 'America/Sao_Paulo', currency = 'BRL',"
                " name = initcap(slug) WHERE schema_name = ANY(%s)",
                [list(_schemas())],
            )
            for schema in _schemas():
                cursor.execute(f'DELETE FROM "{schema}".accounts_role WHERE NOT built_in')
                # Nothing cascades here, and the others' rights stay with them.
                cursor.execute(
                    f'DELETE FROM "{schema}".accounts_role_permissions'
                    f' WHERE NOT role_id IN (SELECT id FROM "{schema}".accounts_role)'
                )
            # The catalogue stays; plans that tests made are not offered to anybody.
            cursor.execute("DELETE FROM billing_plan WHERE NOT is_public")
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def _schemas() -> tuple[str, ...]:
    return tuple(f"t_{name}" for name in NAMES)


def _flush(self: TransactionTestCase) -> None:
    """In place of Django's flush, which knows one schema and forgets rows that migrations made.

    A web process that the test started may still be writing down that its visitors have left, so the two can block
    each other; whoever PostgreSQL sends away simply tries again.
    """
    from django.db import OperationalError

    for _ in range(5):
        try:
            _empty_tables()
        except OperationalError as error:
            if "deadlock" not in str(error):
                raise
        else:
            return
    _empty_tables()


TransactionTestCase._fixture_teardown = _flush


# --- Around every test --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _clean_surroundings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Back to public, nothing remembered, nothing in this process's part of Redis."""
    from django.db import connection
    from django.utils import translation

    from tenants.queries import hosts

    connection.set_schema_to_public()
    hosts.clear()
    translation.activate(settings.LANGUAGE_CODE)
    uses_redis = _forget_redis()
    yield
    if uses_redis:
        _forget_redis()
    shutil.rmtree(request.config.stash[MEDIA] / "tenants", ignore_errors=True)
    connection.set_schema_to_public()
    hosts.clear()


def _forget_redis() -> bool:
    """Empty the Redis database of the tests, which is nobody else's (`REDIS_URL` names it)."""
    from ops.kernel.redis import client

    with contextlib.suppress(Exception):
        client().flushdb()
        return True
    return False


# --- The cast -----------------------------------------------------------------------------------------


@pytest.fixture
def acme(db: None) -> Iterator[Any]:
    """A tenant; the test runs in its schema."""
    from django_tenants.utils import tenant_context

    tenant = _tenant("acme")
    with tenant_context(tenant):
        yield tenant


@pytest.fixture
def beta(db: None) -> Any:
    """Another tenant, not entered: `with tenant_context(beta): …`."""
    return _tenant("beta")


def _tenant(slug: str) -> Any:
    from django_tenants.utils import schema_context

    from tenants.models import Tenant

    with schema_context("public"):
        return Tenant.objects.get(slug=slug)


@pytest.fixture
def ana(acme: Any) -> Any:
    """Owner of acme."""
    return person(acme, "owner", email="ana@acme.example", name="Ana Alves")


@pytest.fixture
def bia(acme: Any) -> Any:
    """Agent of acme."""
    return person(acme, "agent", email="bia@acme.example", name="Bia Braga")


@pytest.fixture
def caio(beta: Any) -> Any:
    """Owner of beta, who must see nothing of acme."""
    return person(beta, "owner", email="caio@beta.example", name="Caio Castro")


def person(tenant: Any, role: str | None, *, email: str, name: str = "", **fields: Any) -> Any:
    """The person of that e-mail in a tenant (or in public), made when missing."""
    from django.contrib.auth import get_user_model
    from django_tenants.utils import tenant_context

    from tenants.accounts.models import Role

    with tenant_context(tenant):
        found = get_user_model().objects.filter(email=email).first()
        if found is None:
            found = get_user_model().objects.create_user(
                email, PASSWORD, name=name, role=Role.objects.get(slug=role) if role else None, **fields
            )
    return found


@pytest.fixture
def client_of(db: None) -> Callable[..., Client]:
    """A browser on a tenant's host: `client_of(acme)` a stranger, `role="agent"` or `user=bia` somebody logged in."""
    from django_tenants.utils import tenant_context

    def make(tenant: Any, *, role: str | None = None, user: Any = None, **extra: Any) -> Client:
        client = Client(headers={"host": host_of(tenant)}, **extra)
        if role is not None:
            user = person(tenant, role, email=f"{role}@{tenant.slug}.example", name=role.title())
        if user is not None:
            with tenant_context(tenant):
                client.force_login(user)
        return client

    return make


def host_of(tenant: Any) -> str:
    """The host a browser would use, with the port of development left out."""
    return settings.PLATFORM_DOMAIN if tenant.schema_name == "public" else f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"


@pytest.fixture
def platform(db: None) -> Any:
    """The platform's own row (landing page, consoles)."""
    from tenants.models import Tenant

    return Tenant.objects.get(schema_name="public")


@pytest.fixture
def fake_http() -> Iterator[Any]:
    """A server on the loopback that answers what the test tells it to and keeps what it was asked."""
    from ops.kernel.testing import FakeHTTP

    with FakeHTTP() as server:
        yield server


@pytest.fixture
def noon() -> Any:
    """A fixed instant to pass as `now`."""
    from datetime import UTC, datetime

    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

"""The checks of the installation itself. Features add theirs to `ops.kernel.registry.health`."""

import os
import shutil
import uuid

from celery import current_app
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from ops.kernel import heartbeats
from ops.kernel.outbox.services import watching
from ops.kernel.redis import client
from ops.kernel.registry import HealthResult

DISK_LEAST_BYTES = 500 * 1024 * 1024
OUTBOX_LATE_S = 60


def database() -> HealthResult:
    """PostgreSQL answers a query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HealthResult(True)


def redis() -> HealthResult:
    """Redis answers, and takes writes."""
    key = f"health:{os.getpid()}"
    client().set(key, "1", ex=10)
    return HealthResult(True)


def queue() -> HealthResult:
    """At least one worker lives, and how much waits for it."""
    alive = heartbeats.alive("worker")
    waiting = queue_length()
    return HealthResult(bool(alive), f"{len(alive)} workers, {waiting} tasks waiting")


def queue_length() -> int:
    """Tasks that wait in the default queue. With a broker that is not our Redis: -1."""
    if not str(settings.CELERY_BROKER_URL).startswith(("redis", "rediss")):
        return -1
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    name = f"{options.get('global_keyprefix', '')}{current_app.conf.task_default_queue}"
    return int(client().llen(name))


def outbox() -> HealthResult:
    """Events reach their receivers in time, and none was given up."""
    state = watching.state()
    dispatchers = heartbeats.alive("outbox")
    detail = (
        f"{len(dispatchers)} dispatchers, {state.pending} pending, oldest {state.lag_s:.0f} s, {state.dead} given up"
    )
    return HealthResult(bool(dispatchers) and state.lag_s < OUTBOX_LATE_S and not state.dead, detail)


def storage() -> HealthResult:
    """A file can be written, read and removed."""
    name = default_storage.save(f"health/{uuid.uuid4().hex}", ContentFile(b"ok"))
    try:
        with default_storage.open(name) as stored:
            same = stored.read() == b"ok"
    finally:
        default_storage.delete(name)
    return HealthResult(same, "" if same else "what was read is not what was written")


def disk() -> HealthResult:
    """Room on the disk that holds the installation's files."""
    path = settings.VAR_DIR
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    return HealthResult(free >= DISK_LEAST_BYTES, f"{free // (1024 * 1024)} MB free")


def migrations() -> HealthResult:
    """The public schema is what this release expects."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in missing[:5])
    return HealthResult(not missing, f"not applied: {names}" if missing else "")

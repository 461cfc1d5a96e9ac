"""Background work by name, in the tenant it was asked for.

The tenant travels as a header of the message, set by Celery's own signals: a base task class misses what
is published by chains, chords, retries and the scheduler. `enqueue` waits for the commit and fails at the
call when the name is misspelt.
"""

import difflib
import functools
import logging
import time
from collections.abc import Iterator
from typing import Any, Protocol

import celery
import redis
from celery import signals
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, get_tenant_model, tenant_context
from kombu.exceptions import OperationalError as BrokerAway

from ops.kernel import context, heartbeats

log = logging.getLogger(__name__)

TENANT_HEADER = "tenant"
REQUEST_HEADER = "request_id"
USER_HEADER = "user_id"


# Quickly: a person waits for the answer of the request that enqueues.
PUBLISH_RETRY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}


class Keeper(Protocol):
    """Keeps tasks while the broker is away; the outbox is one, and says so when it is ready."""

    def keep(self, name: str, kwargs: dict[str, Any], headers: dict[str, str]) -> None:
        """Store the task durably."""
        ...


keeper: Keeper | None = None


class UnknownTask(LookupError):
    """No task of that name is registered; the message lists the nearest ones."""


def enqueue(name: str, /, *, _options: dict[str, Any] | None = None, **kwargs: Any) -> None:
    """Send the task `name` with these arguments after the current transaction commits, for the current tenant.

    Arguments are ids and primitives (they become JSON). Raises `UnknownTask` at once for a name nobody registered.
    `_options` are Celery's own (`queue`, `countdown`); no countdown beyond a minute: store a `due_at` instead.
    """
    task = _task(name)
    transaction.on_commit(functools.partial(_send, task, kwargs, _headers(), _options or {}))


def _send(task: celery.Task, kwargs: dict[str, Any], headers: dict[str, str], options: dict[str, Any]) -> None:
    try:
        task.apply_async(kwargs=kwargs, headers=headers, retry_policy=PUBLISH_RETRY, **options)
    except (BrokerAway, redis.RedisError) as error:
        if keeper is None:
            raise
        # The change that wanted this task is committed: the wish must not get lost with the broker.
        log.error("The broker is away, the task %s waits in the outbox: %s", task.name, error)
        keeper.keep(task.name, kwargs, headers)


def send_kept(name: str, *, kwargs: dict[str, Any], headers: dict[str, str]) -> None:
    """Send a task that was kept while the broker was away. Raises what the broker raises, for the keeper to try again."""
    _task(name).apply_async(kwargs=kwargs, headers=headers, retry_policy=PUBLISH_RETRY)


def _task(name: str) -> celery.Task:
    app = celery.current_app
    if name not in app.tasks:
        # The web process has imported no task module yet; a worker has.
        app.loader.import_default_modules()
    try:
        return app.tasks[name]
    except KeyError:
        near = difflib.get_close_matches(name, app.tasks.keys(), n=3)
        raise UnknownTask(f"No task is called {name!r}. Near: {', '.join(near) or 'nothing'}.") from None


def _headers() -> dict[str, str]:
    return {
        TENANT_HEADER: connection.schema_name,
        REQUEST_HEADER: context.request_id.get(),
        USER_HEADER: context.current_user_id(),
    }


def every_tenant(*, include_public: bool = False) -> Iterator[Any]:
    """Each active tenant in turn, entered: the body of the loop runs in its schema.

    A tenant that stops being active while the loop runs is skipped. The schema of the caller is back in force
    between two rounds and afterwards, also when the loop is left early.
    """
    tenants = get_tenant_model().objects
    if include_public:
        yield from _entered(tenants.filter(schema_name=get_public_schema_name()))
    for key in list(tenants.active().order_by("pk").values_list("pk", flat=True)):
        yield from _entered(tenants.active().filter(pk=key))


def _entered(rows: Any) -> Iterator[Any]:
    for tenant in rows:
        with tenant_context(tenant):
            yield tenant


# --- Celery's doors -----------------------------------------------------------------------------------


@signals.before_task_publish.connect(dispatch_uid="ops.kernel.tenant_header")
def _stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Covers delay, apply_async, send_task, canvas steps, retries and beat."""
    if headers is not None:
        for name, value in _headers().items():
            headers.setdefault(name, value)


@signals.task_prerun.connect(dispatch_uid="ops.kernel.tenant_enter")
def _enter(task: celery.Task, **_: Any) -> None:
    request = task.request
    schema = _header(request, TENANT_HEADER)
    request.tenant_before = connection.tenant
    request.context_before = (
        context.request_id.set(_header(request, REQUEST_HEADER) or context.request_id.get()),
        context.user_id.set(_header(request, USER_HEADER) or context.user_id.get()),
    )
    # An eager call has no message and no header: it stays in the schema of its caller.
    if schema and schema != connection.schema_name:
        _enter_schema(schema)


def _enter_schema(schema: str) -> None:
    """Enter the tenant of a message. Celery swallows what a signal raises and runs the task all the same, so a
    tenant that cannot be entered leaves a search path in which no table is found: the task fails, harmlessly.
    """
    connection.set_schema_to_public()
    if schema == get_public_schema_name():
        return
    try:
        connection.set_tenant(get_tenant_model().objects.get(schema_name=schema))
    except Exception:
        connection.set_schema(schema, include_public=False)
        log.exception("The tenant of a task cannot be entered", extra={"schema": schema})


@signals.task_postrun.connect(dispatch_uid="ops.kernel.tenant_leave")
def _leave(task: celery.Task, **_: Any) -> None:
    """Fires after the successors of a chain or chord were published, so they carry the tenant too."""
    request = task.request
    before = getattr(request, "tenant_before", None)
    if before is not None:
        connection.set_tenant(before)
    else:
        connection.set_schema_to_public()
    tokens = getattr(request, "context_before", None)
    if tokens is not None:
        context.request_id.reset(tokens[0])
        context.user_id.reset(tokens[1])


def _header(request: Any, name: str) -> str:
    return request.get(name) or (request.headers or {}).get(name) or ""


# --- Signs of life --------------------------------------------------------------------------------------

BEAT_EVERY_S = 5
_next_beat = 0.0


@signals.heartbeat_sent.connect(dispatch_uid="ops.kernel.worker_alive")
def _alive(sender: Any = None, **_: Any) -> None:
    """A worker's own heartbeat, every two seconds, passed on to where the health check looks."""
    global _next_beat
    if time.monotonic() < _next_beat:
        return
    _next_beat = time.monotonic() + BEAT_EVERY_S
    try:
        heartbeats.beat("worker", name=sender.eventer.hostname)
    except redis.RedisError as error:
        log.warning("No sign of life given: %s", error)


@signals.worker_shutting_down.connect(dispatch_uid="ops.kernel.worker_gone")
def _gone(sender: Any = None, **_: Any) -> None:
    """A worker that is told to stop takes no more work: nobody should count on it."""
    try:
        heartbeats.gone("worker", name=str(sender))
    except redis.RedisError as error:
        log.warning("No goodbye said: %s", error)

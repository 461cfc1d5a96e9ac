"""The installation in numbers, as Prometheus text."""

import resource
import time
from collections.abc import Iterator

import redis
from django.db import Error as DatabaseError

from ops.kernel import heartbeats
from ops.kernel.outbox.services import watching
from ops.monitor.services import checks, health

_started = time.monotonic()


def text() -> str:
    """Every metric with its help and type. A part that does not answer is left out; `app_component_up` says so."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield from _metric("app_up", "gauge", "The process answers.", [("", 1)])
    yield from _metric("app_uptime_seconds", "gauge", "Age of the process.", [("", round(time.monotonic() - _started))])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    yield from _metric("app_memory_peak_bytes", "gauge", "Most memory this process held.", [("", memory)])
    parts = health.ready().components
    yield from _metric(
        "app_component_up",
        "gauge",
        "Health checks.",
        [(_label("component", part.name), int(part.result.ok)) for part in parts],
    )
    yield from _metric(
        "app_component_check_milliseconds",
        "gauge",
        "Time the check took.",
        [(_label("component", part.name), part.took_ms) for part in parts],
    )
    try:
        state = watching.state()
    except DatabaseError:
        pass
    else:
        yield from _metric("app_outbox_pending", "gauge", "Deliveries that wait.", [("", state.pending)])
        yield from _metric("app_outbox_dead", "gauge", "Deliveries that were given up.", [("", state.dead)])
        yield from _metric(
            "app_outbox_lag_seconds", "gauge", "Age of the oldest due delivery.", [("", round(state.lag_s, 3))]
        )
    try:
        waiting = checks.queue_length()
        alive = {kind: len(heartbeats.alive(kind)) for kind in ("worker", "outbox")}
    except redis.RedisError:
        return
    if waiting >= 0:
        yield from _metric("app_queue_waiting", "gauge", "Tasks that wait for a worker.", [("", waiting)])
    yield from _metric(
        "app_processes",
        "gauge",
        "Processes that gave a sign of life.",
        [(_label("kind", kind), n) for kind, n in alive.items()],
    )


def _metric(name: str, kind: str, words: str, samples: list[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{labels} {value}"


def _label(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{{name}="{escaped}"}}'

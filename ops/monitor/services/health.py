"""Whether the parts we depend on work, asked side by side, each with its own time limit."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any

from django.db import connections

from ops.kernel.redaction import redact_text
from ops.kernel.registry import HealthCheck, HealthResult, health

log = logging.getLogger(__name__)

# However often it is asked, the parts are asked at most once a second by one process.
CACHE_S = 1.0


@dataclass(frozen=True, slots=True)
class Component:
    """One part: its result, whether the whole depends on it, and how long the check took."""

    name: str
    result: HealthResult
    critical: bool
    took_ms: int

    @property
    def status(self) -> str:
        """`ok`, `degraded` (it does not work and we can do without for a while) or `down`."""
        if self.result.ok:
            return "ok"
        return "down" if self.critical else "degraded"


@dataclass(frozen=True, slots=True)
class Report:
    """Every part; the whole is ready when all critical ones are."""

    components: tuple[Component, ...]

    @property
    def ok(self) -> bool:
        """Ready to serve."""
        return all(part.result.ok for part in self.components if part.critical)

    @property
    def status(self) -> str:
        """`ok`, `degraded` or `down`, the worst of the parts."""
        states = {part.status for part in self.components}
        return next((state for state in ("down", "degraded") if state in states), "ok")

    def as_json(self, *, with_details: bool) -> dict[str, Any]:
        """The body of `/health/ready`."""
        return {
            "status": self.status,
            "components": {
                part.name: {
                    "status": part.status,
                    **({"detail": part.result.detail, "took_ms": part.took_ms} if with_details else {}),
                }
                for part in self.components
            },
        }


class Examiner:
    """Runs the registered checks. One that hangs is reported and not started again until it comes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="health")
        self._running: dict[str, Future[Component]] = {}
        self._kept: dict[str, tuple[float, Component]] = {}
        self._report: tuple[float, Report] | None = None

    def report(self, *, fresh: bool = False) -> Report:
        """Results not older than a second; `fresh=True` asks every part now."""
        with self._lock:
            now = time.monotonic()
            if not fresh and self._report is not None and now < self._report[0]:
                return self._report[1]
            checks = health.items()
            started = {name: self._start(name, check, now, fresh) for name, check in checks}
            report = Report(tuple(self._collect(name, check, started[name], now) for name, check in checks))
            self._report = (time.monotonic() + CACHE_S, report)
            return report

    def _start(self, name: str, check: HealthCheck, now: float, fresh: bool) -> "Future[Component] | Component":
        kept = self._kept.get(name)
        if not fresh and kept is not None and now < kept[0]:
            return kept[1]
        running = self._running.get(name)
        if running is None or running.done():
            running = self._running[name] = self._pool.submit(_examine, name, check)
        return running

    def _collect(
        self, name: str, check: HealthCheck, started: "Future[Component] | Component", now: float
    ) -> Component:
        if isinstance(started, Component):
            return started
        left = max(0.0, now + check.timeout_s - time.monotonic())
        try:
            component = started.result(timeout=left)
        except FutureTimeout:
            detail = f"no answer within {check.timeout_s:g} s"
            return Component(name, HealthResult(False, detail), check.critical, round(check.timeout_s * 1000))
        if check.cache_s and component.result.ok:
            self._kept[name] = (time.monotonic() + check.cache_s, component)
        return component


def _examine(name: str, check: HealthCheck) -> Component:
    started = time.monotonic()
    try:
        result = check.check()
    except Exception as error:  # noqa: BLE001 — whatever breaks in a check is its answer
        log.warning("Health check %s failed: %s", name, error)
        result = HealthResult(False, redact_text(f"{type(error).__name__}: {error}")[:300])
    finally:
        # This thread is not a request: nobody else would give its connection back.
        connections.close_all()
    return Component(name, result, check.critical, round((time.monotonic() - started) * 1000))


_examiner = Examiner()


def ready() -> Report:
    """The state of every registered part."""
    return _examiner.report()

import json
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client, RequestFactory
from django.utils import timezone

from ops.kernel import heartbeats
from ops.kernel import redis as kernel_redis
from ops.kernel.outbox.tests.factories import OutboxDeliveryFactory
from ops.kernel.registry import HealthCheck, HealthResult, health
from ops.kernel.testing import PATIENCE_S
from ops.monitor.middleware import HealthMiddleware
from ops.monitor.services import checks, metrics
from ops.monitor.services import health as service
from ops.monitor.services.health import Examiner


@pytest.fixture
def registered():
    """Register checks for one test."""
    made = []

    def register(name, check, **options):
        health.register(name, HealthCheck(check, **options))
        made.append(name)

    yield register
    for name in made:
        health.unregister(name)


def never(request):
    raise AssertionError("health is answered before anything else")


def ask(path, **extra):
    return HealthMiddleware(never)(RequestFactory().get(path, **extra))


@pytest.mark.parametrize("path", ["/health", "/health/"])
@pytest.mark.parametrize("host", ["padaria.localhost", "nobody.knows.example", "127.0.0.1:8000", "bad host!"])
def test_the_process_says_it_is_up_on_every_host_and_touches_nothing(path, host):
    # No database fixture: a query would fail this test.
    response = ask(path, headers={"Host": host})

    assert (response.status_code, json.loads(response.content)) == (200, {"status": "up"})
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
@pytest.mark.parametrize("host", ["unknown.example", "acme.localhost"])
def test_it_is_answered_by_the_whole_application_too(db, path, host):
    assert Client(headers={"host": host}).get(path).status_code in {200, 503}
    assert Client(headers={"host": host}).post(path).status_code == 405


def test_other_paths_go_on():
    middleware = HealthMiddleware(lambda request: request.path)

    assert middleware(RequestFactory().get("/healthy")) == "/healthy"


def test_one_entry_a_component_and_503_only_for_a_critical_one(registered):
    registered("tests_extra", lambda: HealthResult(False, "limping"), critical=False)
    report = Examiner().report()
    parts = {part.name: part for part in report.components}
    assert {"database", "redis", "migrations", "storage", "queue", "outbox", "disk"} <= set(parts)
    assert parts["tests_extra"].status == "degraded"

    registered("tests_broken", lambda: HealthResult(False, "broken"))
    report = Examiner().report()
    assert not report.ok
    assert report.status == "down"


def test_details_are_for_operators(registered, monkeypatch):
    registered("tests_broken", lambda: HealthResult(False, "db.internal refused"))
    monkeypatch.setattr(service, "_examiner", Examiner())

    near, far = ask("/health/ready"), ask("/health/ready", REMOTE_ADDR="203.0.113.9")
    proxied = ask("/health/ready", headers={"X-Forwarded-For": "127.0.0.1"})

    assert near.status_code == far.status_code == proxied.status_code == 503
    assert "db.internal" in near.content.decode()
    for response in (far, proxied):
        assert "db.internal" not in response.content.decode()
        assert json.loads(response.content)["components"]["tests_broken"] == {"status": "down"}


def test_a_check_that_breaks_is_an_answer_without_its_secrets(registered):
    def breaks():
        raise RuntimeError("postgres://app:s3cret@db refused")

    registered("tests_breaks", breaks)

    part = next(part for part in Examiner().report().components if part.name == "tests_breaks")

    assert not part.result.ok
    assert "RuntimeError" in part.result.detail
    assert "s3cret" not in part.result.detail


def test_a_check_that_hangs_is_reported_and_not_started_twice(registered):
    starts, release = [], threading.Event()

    def hangs():
        starts.append(1)
        release.wait(PATIENCE_S)
        return HealthResult(True)

    registered("tests_hangs", hangs, timeout_s=0.05)
    examiner = Examiner()
    try:
        for _ in range(3):
            part = next(part for part in examiner.report(fresh=True).components if part.name == "tests_hangs")
            assert (part.result.ok, part.result.detail) == (False, "no answer within 0.05 s")
    finally:
        release.set()

    assert len(starts) == 1


def test_asking_often_does_not_check_often(registered):
    runs = []
    registered("tests_counted", lambda: runs.append(1) or HealthResult(True), cache_s=600)
    examiner = Examiner()

    for _ in range(5):
        examiner.report()
    assert len(runs) == 1
    examiner.report(fresh=True)
    assert len(runs) == 2


def test_the_checks_say_what_is_wrong(platform, settings, tmp_path, monkeypatch):
    assert checks.database().ok
    assert checks.redis().ok
    assert checks.migrations().ok
    assert not checks.queue().ok
    assert not checks.outbox().ok
    heartbeats.beat("worker", name="celery@tests")
    heartbeats.beat("outbox", name="tests")
    assert checks.queue().detail == "1 workers, 0 tasks waiting"
    assert checks.outbox().ok

    OutboxDeliveryFactory(due_at=timezone.now() - timedelta(minutes=5))
    assert not checks.outbox().ok
    ((_app, newest),) = MigrationLoader(connection).graph.leaf_nodes("audit")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit' AND name = %s", [newest])
    assert f"audit.{newest}" in checks.migrations().detail

    settings.VAR_DIR = tmp_path / "not" / "there"
    assert checks.disk().ok
    monkeypatch.setattr(checks, "DISK_LEAST_BYTES", 10**18)
    assert not checks.disk().ok


def test_the_storage_is_written_read_and_left_clean(db, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "default_storage", FileSystemStorage(location=tmp_path))

    assert checks.storage().ok

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_redis_that_is_away_is_down(registered, monkeypatch):
    kernel_redis._client.cache_clear()
    monkeypatch.setattr(kernel_redis.settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    try:
        part = next(part for part in Examiner().report().components if part.name == "redis")
    finally:
        kernel_redis._client.cache_clear()

    assert part.status == "down"


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": ""}, 200),
        ({"REMOTE_ADDR": "203.0.113.9"}, 403),
        ({"headers": {"X-Forwarded-For": "203.0.113.9"}}, 403),
        ({"REMOTE_ADDR": "203.0.113.9", "headers": {"Authorization": "Bearer right"}}, 200),
        ({"REMOTE_ADDR": "203.0.113.9", "headers": {"Authorization": "Bearer wrong"}}, 403),
        ({"REMOTE_ADDR": "203.0.113.9", "headers": {"Authorization": "Bearer é"}}, 403),
    ],
)
def test_numbers_are_for_operators(db, settings, extra, status):
    settings.METRICS_TOKEN = "right"

    assert ask("/metrics", **extra).status_code == status


def test_without_a_token_nobody_guesses_it(db, settings):
    settings.METRICS_TOKEN = ""

    assert ask("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": "Bearer "}).status_code == 403


def test_the_numbers_are_prometheus_text(db):
    OutboxDeliveryFactory(state="dead")
    heartbeats.beat("worker", name='odd"name')

    text = metrics.text()

    assert "# TYPE app_up gauge\napp_up 1\n" in text
    assert 'app_component_up{component="database"} 1\n' in text
    assert "app_outbox_dead 1\n" in text
    assert 'app_processes{kind="worker"} 1\n' in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))

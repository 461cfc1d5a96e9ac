import contextlib
import os
import subprocess
import sys

import pytest
from celery import chain, chord, current_app, group
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context
from kombu import pools

from ops.kernel import context, heartbeats, tasks
from ops.kernel.audit.models import AuditEntry
from ops.kernel.outbox.models import OutboxDelivery, OutboxEvent
from ops.kernel.outbox.services.dispatching import Dispatcher
from ops.kernel.tasks import UnknownTask, enqueue, every_tenant
from ops.kernel.testing import PATIENCE_S
from ops.kernel.tests import work


@pytest.fixture
def eager():
    """Tasks run where they are called."""
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = before


def labels():
    return list(AuditEntry.objects.order_by("pk").values_list("actor_label", flat=True))


def test_a_misspelt_name_fails_at_the_call_and_names_the_nearest(acme):
    with pytest.raises(UnknownTask, match=r"tests\.marc.*tests\.mark"):
        enqueue("tests.marc")


def test_a_task_waits_for_the_commit(acme, eager, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        enqueue("tests.mark")
    assert labels() == []

    for callback in callbacks:
        callback()
    assert labels() == ["marked"]


@pytest.mark.transactional
def test_a_roll_back_takes_the_task_with_it(acme, eager):
    with transaction.atomic():
        enqueue("tests.mark")
        transaction.set_rollback(True)

    assert labels() == []


@pytest.mark.transactional
def test_the_tenant_is_the_one_of_the_call_not_the_one_of_the_commit(acme, beta, eager):
    with transaction.atomic():
        enqueue("tests.mark", label="for acme")
        connection.set_tenant(beta)
    assert connection.schema_name == beta.schema_name

    assert labels() == []
    connection.set_tenant(acme)
    assert labels() == ["for acme"]


def test_an_eager_call_stays_with_its_caller_and_gives_the_schema_back(acme, beta, eager):
    work.mark.delay()
    with tenant_context(beta):
        work.mark.apply()
        assert connection.tenant == beta
    with pytest.raises(RuntimeError):
        work.fail.apply(throw=True)

    assert connection.tenant == acme
    assert labels() == ["marked"]


def test_a_tenant_that_is_gone_finds_no_table_rather_than_another_tenants(acme, eager):
    with pytest.raises(ProgrammingError, match="does not exist"):
        work.mark.apply(headers={"tenant": "t_gone"}, throw=True)

    assert connection.tenant == acme


def test_the_request_and_the_person_travel_with_the_task(acme, eager):
    with context.bound(request="req-1", user="u-1"):
        sent = tasks._headers()

    assert sent == {"tenant": acme.schema_name, "request_id": "req-1", "user_id": "u-1"}
    assert work.mark.apply(headers=sent).get() == [acme.schema_name, "req-1"]
    assert context.request_id.get() == ""


def test_every_tenant_enters_the_active_ones_and_comes_back(acme, beta, platform):
    with schema_context("public"):
        seen = [(tenant.schema_name, connection.schema_name) for tenant in every_tenant()]
        assert connection.schema_name == "public"
    assert sorted(seen) == [("t_acme", "t_acme"), ("t_beta", "t_beta")]

    beta.status = "suspended"
    with schema_context("public"):
        beta.save()
        assert [tenant.schema_name for tenant in every_tenant(include_public=True)] == ["public", "t_acme"]
        for _tenant in every_tenant():
            assert connection.schema_name == acme.schema_name
            break
        assert connection.schema_name == "public"


@pytest.fixture
def no_broker():
    """Nobody listens at the broker's address."""
    before = current_app.conf.broker_url

    def connect_to(url):
        current_app.conf.broker_url = url
        current_app._pool = current_app.amqp._producer_pool = None
        pools.reset()

    connect_to("redis://127.0.0.1:1/0")
    yield
    connect_to(before)


@pytest.mark.transactional
def test_a_task_survives_that_the_broker_is_away(acme, no_broker):
    with context.bound(request="req-1"), transaction.atomic():
        enqueue("tests.mark", label="late")
    assert labels() == []

    assert Dispatcher().drain() == 1  # still away
    assert "OperationalError" in OutboxDelivery.objects.pending().get().last_error

    current_app.conf.task_always_eager = True
    try:
        OutboxDelivery.objects.update(due_at=timezone.now())
        assert Dispatcher().drain() == 1
    finally:
        current_app.conf.task_always_eager = False
    assert labels() == ["late"]
    assert OutboxEvent.objects.get().payload["headers"] == {"tenant": "t_acme", "request_id": "req-1", "user_id": ""}


WORKER = """
import sys
import os
os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[2]
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from config.celery import app
app.conf.imports = ["ops.kernel.tests.work"]
app.worker_main(["worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"])
"""


@pytest.fixture
def worker(acme):
    """A real worker: two processes of their own, real Redis, the tests' database."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, settings.DATABASES["default"]["NAME"], os.environ["DJANGO_SETTINGS_MODULE"]],
        cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    process.kill()
    process.wait()


@pytest.mark.transactional
def test_a_real_worker_runs_everything_in_the_tenant_it_was_sent_from(acme, beta, worker):
    def get(result):
        return result.get(timeout=PATIENCE_S, disable_sync_subtasks=False)

    with context.bound(request="req-12"):
        assert get(work.mark.delay()) == [acme.schema_name, "req-12"]
    with tenant_context(beta):
        chained = get(chain(work.mark.s(), work.mark.s(label="second"), work.retry.si())())
        assert chained == beta.schema_name
        joined = get(chord(group(work.mark.s() for _ in range(3)), work.count.s())())
        assert joined == {"steps": [beta.schema_name] * 3, "here": beta.schema_name, "marks": 6}
        assert get(current_app.send_task("tests.retry")) == beta.schema_name
        assert get(work.nested.delay()) == beta.schema_name
    with schema_context("public"):
        assert get(work.mark.delay())[0] == "public"
    assert get(work.mark.delay())[0] == acme.schema_name

    assert labels() == ["marked", "marked"]
    assert heartbeats.alive("worker") != []

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import context, heartbeats
from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.errors import PermanentFailure
from ops.kernel.outbox import services as outbox
from ops.kernel.outbox import subscriptions
from ops.kernel.outbox.models import DeliveryState, OutboxDelivery, OutboxEvent
from ops.kernel.outbox.services import dispatching, replaying, watching
from ops.kernel.outbox.services.dispatching import BACKOFF_S, Dispatcher
from ops.kernel.outbox.tests.conftest import ThingHappened
from ops.kernel.outbox.tests.factories import OutboxDeliveryFactory, OutboxEventFactory
from ops.kernel.testing import PATIENCE_S


def publish(thing="a", number=1):
    with transaction.atomic():
        return outbox.publish(ThingHappened(thing=thing, number=number))


def make_due():
    OutboxDelivery.objects.pending().update(due_at=timezone.now() - timedelta(seconds=1))


def wait_until(condition):
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.02)


def test_a_receiver_runs_in_the_schema_and_the_context_of_the_event(acme, react):
    seen = []

    def note(event):
        seen.append((connection.schema_name, connection.tenant.name, context.request_id.get(), event))

    react(note)
    with context.bound(request="req-1234"):
        key = publish(number=7)

    with schema_context("public"):
        assert Dispatcher().drain() == 1
        assert connection.schema_name == "public"

    schema, name, request, event = seen[0]
    assert (schema, name, request) == (acme.schema_name, "Acme", "req-1234")
    assert (event.id, event.payload, event.attempt) == (key, {"thing": "a", "number": 7}, 1)
    delivery = OutboxDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DONE, 1)
    assert Dispatcher().drain() == 0


def test_one_failing_receiver_does_not_run_the_others_again(acme, react):
    good, bad = [], []

    def fails_once(event):
        bad.append(event.attempt)
        AuditEntryFactory()
        if event.attempt == 1:
            raise RuntimeError("not yet")

    react(good.append)
    react(fails_once)
    publish()

    assert Dispatcher().drain() == 2
    failed = OutboxDelivery.objects.pending().get()
    assert failed.last_error == "RuntimeError: not yet"
    assert failed.due_at > timezone.now()
    assert not AuditEntry.objects.exists()  # what it had written went with it

    make_due()
    assert Dispatcher().drain() == 1
    assert (len(good), bad) == (1, [1, 2])
    assert AuditEntry.objects.count() == 1
    assert not OutboxDelivery.objects.pending().exists()


def test_a_lane_waits_for_its_head_and_other_lanes_go_on(acme, react):
    seen = []

    def stumbles(event):
        seen.append((event.payload["thing"], event.payload["number"]))
        if event.payload == {"thing": "a", "number": 1} and event.attempt == 1:
            raise RuntimeError

    react(stumbles)
    for number in (1, 2, 3):
        publish("a", number)
        publish("b", number)

    Dispatcher().drain()
    assert seen == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]

    make_due()
    Dispatcher().drain()
    assert seen[4:] == [("a", 1), ("a", 2), ("a", 3)]


def test_after_the_last_attempt_it_is_given_up_with_an_alert_and_the_lane_goes_on(acme, react):
    seen = []

    def never(event):
        seen.append(event.payload["number"])
        if event.payload["number"] == 1:
            raise RuntimeError("token=abcdef12345678")

    react(never)
    publish("a", 1)
    publish("a", 2)

    for _ in range(len(BACKOFF_S) + 1):
        make_due()
        Dispatcher().drain()

    assert seen == [1] * (len(BACKOFF_S) + 1) + [2]
    dead = OutboxDelivery.objects.dead().get()
    assert dead.attempts == len(BACKOFF_S) + 1
    assert watching.state().dead == 1
    with schema_context("public"):
        alert = Alert.objects.active().get()
        assert (alert.key, alert.kind) == ("outbox.dead:tests.never", "outbox.dead_letter")


def test_a_permanent_failure_is_given_up_at_once_and_comes_back_by_replay(acme, react, noon):
    broken = [True]

    def picky(event):
        if broken:
            raise PermanentFailure(words="no such account")

    react(picky)
    publish()
    Dispatcher().drain()
    dead = OutboxDelivery.objects.dead().get()
    assert dead.attempts == 1
    assert "no such account" in dead.last_error

    broken.clear()
    assert replaying.replay_dead(by="test", now=noon) == 1
    assert Dispatcher().drain() == 1

    dead.refresh_from_db()
    assert dead.state == DeliveryState.DONE
    with schema_context("public"):
        assert not Alert.objects.active().exists()
        assert AuditEntry.objects.get().action == "outbox.deliveries_replayed"


def test_a_receiver_that_is_gone_is_an_error_and_a_tenant_that_is_gone_is_not(acme):
    OutboxDeliveryFactory(receiver="tests.removed")
    Dispatcher().drain()
    assert "UnknownReceiver" in OutboxDelivery.objects.get().last_error
    OutboxDelivery.objects.all().delete()

    OutboxDeliveryFactory(event__schema="t_gone", receiver="tests.removed2")
    subscriptions.receiver("tests.thing_happened", name="tests.removed2")(lambda event: None)
    try:
        Dispatcher().drain()
    finally:
        subscriptions.unsubscribe("tests.thing_happened", "tests.removed2")
    assert OutboxDelivery.objects.get().state == DeliveryState.DROPPED


def test_a_tenant_whose_schema_was_archived_gets_no_events(acme, react):
    seen = []
    react(seen.append)
    publish()
    with connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA t_acme RENAME TO t_acme_archived")

    with schema_context("public"):
        Dispatcher().drain()
        assert OutboxDelivery.objects.get().state == DeliveryState.DROPPED
    assert seen == []


def test_an_event_is_delivered_again_by_its_id_also_to_a_receiver_it_never_had(acme, react, noon):
    seen = []
    react(lambda event: seen.append("first"), name="tests.first")
    key = publish()
    Dispatcher().drain()
    react(lambda event: seen.append("second"), name="tests.second")

    assert replaying.replay_event(event_id=key, by="test", now=noon) == 2
    Dispatcher().drain()
    assert sorted(seen) == ["first", "first", "second"]

    assert replaying.replay_event(event_id=key, receiver="tests.second", by="test", now=noon) == 1
    with pytest.raises(replaying.UnknownEvent):
        replaying.replay_event(event_id=OutboxEventFactory.build().id, by="test", now=noon)


def test_delivered_events_are_removed_after_some_days_and_others_stay(acme, noon):
    old, young = noon - timedelta(days=8), noon - timedelta(days=6)
    for at, state in ((old, "done"), (old, "pending"), (old, "dead"), (old, "dropped"), (young, "done")):
        OutboxDeliveryFactory(event__at=at, state=state, event__aggregate=state)
    OutboxEventFactory(at=old, aggregate="nobody cared")

    assert dispatching.prune(before=noon - timedelta(days=7), batch=2) == 3

    assert sorted(OutboxEvent.objects.values_list("aggregate", flat=True)) == ["dead", "done", "pending"]


@pytest.mark.transactional
def test_an_event_that_commits_late_is_not_lost(acme, react):
    seen = []
    react(lambda event: seen.append(event.payload["thing"]), name="tests.note")
    started, go_on = threading.Event(), threading.Event()

    def slow():
        try:
            with schema_context(acme.schema_name), transaction.atomic():
                outbox.publish(ThingHappened(thing="early", number=1))
                started.set()
                go_on.wait(PATIENCE_S)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert started.wait(PATIENCE_S)
    publish("late", 2)

    Dispatcher().drain()
    assert seen == ["late"]

    go_on.set()
    thread.join()
    Dispatcher().drain()
    assert seen == ["late", "early"]


@pytest.mark.transactional
def test_two_dispatchers_deliver_everything_once_and_each_aggregate_in_order(acme, beta, react):
    seen = defaultdict(list)
    lock = threading.Lock()

    def stumbling(event):
        if event.attempt == 1 and random.random() < 0.05:
            raise RuntimeError("stumbled")
        time.sleep(random.uniform(0, 0.002))
        with lock:
            seen[event.schema, event.payload["thing"]].append(event.payload["number"])

    react(stumbling)
    for number in range(25):
        for tenant in (acme, beta):
            with tenant_context(tenant):
                for thing in "xyz":
                    publish(thing, number)

    def work():
        try:
            dispatcher = Dispatcher(name=threading.current_thread().name)
            limit = time.monotonic() + 4 * PATIENCE_S
            with schema_context("public"):
                while OutboxDelivery.objects.pending().exists() and time.monotonic() < limit:
                    if not dispatcher.drain():
                        make_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 6
    assert all(numbers == list(range(25)) for numbers in seen.values()), seen


@pytest.mark.transactional
def test_work_that_fails_after_the_commit_is_done_again(acme, react):
    sent = []

    def send(event):
        def after():
            if event.attempt == 1:
                raise ConnectionError("no Redis")
            sent.append(event.id)

        transaction.on_commit(after)

    react(send)
    key = publish()

    Dispatcher().drain()
    assert OutboxDelivery.objects.get().state == DeliveryState.PENDING
    make_due()
    Dispatcher().drain()

    assert sent == [key]
    assert OutboxDelivery.objects.get().state == DeliveryState.DONE


@pytest.fixture
def running(acme):
    """A dispatcher in a thread, that hardly ever polls: what it finds, it was told of."""
    stop = threading.Event()

    def work():
        Dispatcher(name="tests", poll_s=10 * PATIENCE_S).run(stop, keep_days=7)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(_listens)
    yield
    stop.set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('outbox', '')")
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert heartbeats.alive("outbox") == []


def _listens():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN outbox' AND state = 'idle'"
        )
        return cursor.fetchone()[0] > 0


@pytest.mark.transactional
def test_a_commit_wakes_the_dispatcher(react, running):
    heard = threading.Event()
    react(lambda event: heard.set(), name="tests.note")

    publish()

    assert heard.wait(PATIENCE_S)
    assert heartbeats.alive("outbox") == ["tests"]


@pytest.mark.transactional
def test_a_dispatcher_survives_that_the_database_drops_its_connections(acme, react):
    heard = threading.Event()
    react(lambda event: heard.set(), name="tests.note")
    stop = threading.Event()
    thread = threading.Thread(target=lambda: Dispatcher(name="tests", poll_s=0.05).run(stop, keep_days=7))
    thread.start()
    try:
        wait_until(_listens)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close_pool()  # this thread's share of the damage
        publish()
        assert heard.wait(PATIENCE_S)
    finally:
        stop.set()
        thread.join(PATIENCE_S)


KILLED = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[2]
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.outbox import subscriptions
from ops.kernel.outbox.services.dispatching import Dispatcher

def stuck(event):
    AuditEntryFactory(actor_label="killed")
    print("in the middle", flush=True)
    time.sleep(3600)

subscriptions.receiver("tests.thing_happened", name="tests.stuck")(stuck)
Dispatcher().drain()
"""


@pytest.mark.transactional
def test_a_dispatcher_killed_in_the_middle_loses_nothing_and_leaves_nothing_half_done(acme, react):
    seen = []

    def stuck(event):
        seen.append(event.attempt)
        AuditEntryFactory(actor_label="finished")

    react(stuck)
    publish()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, settings.DATABASES["default"]["NAME"], os.environ["DJANGO_SETTINGS_MODULE"]],
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    try:
        assert process.stdout.readline() == "in the middle\n"
        # While it lives, its lane is closed to everybody else.
        assert Dispatcher().drain() == 0
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

    wait_until(lambda: Dispatcher().drain() == 1)

    assert seen == [1]
    assert [entry.actor_label for entry in AuditEntry.objects.all()] == ["finished"]
    assert OutboxDelivery.objects.get().state == DeliveryState.DONE

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from ops.kernel.outbox.models import OutboxDelivery, OutboxEvent
from ops.kernel.outbox.tests.factories import OutboxDeliveryFactory
from ops.kernel.testing import PATIENCE_S


def test_status_counts_what_waits_and_what_was_given_up(platform, capsys):
    OutboxDeliveryFactory(due_at=timezone.now() - timedelta(minutes=5))
    OutboxDeliveryFactory(due_at=timezone.now() + timedelta(minutes=5), attempts=2)
    OutboxDeliveryFactory(state="dead")

    call_command("outbox", "status", "--json")

    state = json.loads(capsys.readouterr().out)
    assert (state["pending"], state["retrying"], state["dead"]) == (2, 1, 1)
    assert 300 <= state["lag_s"] < 3600


def test_dead_lists_replays_and_discards(platform, capsys, react):
    seen = []
    react(lambda event: seen.append(event.id), name="tests.receiver")
    first = OutboxDeliveryFactory(state="dead", last_error="RuntimeError: no", attempts=8)
    second = OutboxDeliveryFactory(state="dead")

    call_command("outbox", "dead")
    listed = capsys.readouterr().out
    assert str(first.event.id) in listed
    assert "RuntimeError: no" in listed

    call_command("outbox", "discard", str(second.pk))
    call_command("outbox", "dead", "--replay")
    call_command("outbox", "run", "--once")

    assert seen == [first.event.id]
    second.refresh_from_db()
    assert second.state == "dropped"


def test_replay_of_an_unknown_event_says_so(platform):
    with pytest.raises(CommandError, match="kept for some days|id"):
        call_command("outbox", "replay", str(uuid4()))


def test_prune_removes_what_is_old(platform, capsys):
    OutboxDeliveryFactory(state="done", event__at=timezone.now() - timedelta(days=3))

    call_command("outbox", "prune", "--keep-days=2")

    assert "1 events removed" in capsys.readouterr().out
    assert not OutboxEvent.objects.exists()


RUN = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[2]
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from ops.kernel.outbox import subscriptions
subscriptions.receiver("tests.thing_happened", name="tests.receiver")(lambda event: print("delivered", flush=True))
from django.core.management import call_command
call_command("outbox", "run")
"""


@pytest.mark.transactional
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_delivers_and_stops_when_it_is_told_to(platform, number):
    OutboxDeliveryFactory()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, settings.DATABASES["default"]["NAME"], os.environ["DJANGO_SETTINGS_MODULE"]],
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    try:
        lines = {process.stdout.readline().strip() for _ in range(2)}
        assert lines == {"Delivering events with 2 threads.", "delivered"}
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert OutboxDelivery.objects.get().state == "done"

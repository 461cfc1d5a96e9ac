"""`manage.py outbox run|status|replay|dead|discard|prune`."""

import json
import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from ops.kernel.errors import DomainError
from ops.kernel.outbox.models import OutboxDelivery
from ops.kernel.outbox.services import dispatching, replaying, watching

KEEP_DAYS = 7


class Command(BaseCommand):
    """For operators; `run` is a process of its own beside web and workers."""

    help = "Deliver domain events to their receivers, and look after those that could not be delivered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One verb each."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        run = verbs.add_parser("run", help="Deliver until stopped.")
        run.add_argument("--threads", type=int, default=2, help="Deliveries at the same time in this process.")
        run.add_argument("--once", action="store_true", help="Deliver what is due now and stop.")
        run.add_argument("--keep-days", type=int, default=KEEP_DAYS, help="Days a delivered event is kept.")
        status = verbs.add_parser("status", help="How much waits, for how long, and what was given up.")
        status.add_argument("--json", action="store_true")
        replay = verbs.add_parser("replay", help="Deliver one event again.")
        replay.add_argument("event_id", type=UUID)
        replay.add_argument("--receiver")
        dead = verbs.add_parser("dead", help="List what was given up; --replay delivers it again.")
        dead.add_argument("--receiver")
        dead.add_argument("--replay", action="store_true")
        dead.add_argument("--limit", type=int, default=50)
        discard = verbs.add_parser("discard", help="Leave deliveries that were given up undelivered for good.")
        discard.add_argument("delivery_ids", type=int, nargs="+")
        prune = verbs.add_parser("prune", help="Remove delivered events.")
        prune.add_argument("--keep-days", type=int, default=KEEP_DAYS)

    def handle(self, *, verb: str, **options: Any) -> None:
        """Do what the verb says."""
        try:
            getattr(self, f"_{verb}")(options)
        except DomainError as error:
            raise CommandError(str(error)) from error

    def _run(self, options: dict[str, Any]) -> None:
        if options["once"]:
            attempts = dispatching.Dispatcher().drain()
            self.stdout.write(f"{attempts} deliveries attempted.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threads = [
            threading.Thread(target=self._loop, args=(index, stop, options["keep_days"]), name=f"outbox-{index}")
            for index in range(max(1, options["threads"]))
        ]
        # The main thread only waits: a connection kept open here would be one nobody uses.
        connection.close()
        for thread in threads:
            thread.start()
        self.stdout.write(f"Delivering events with {len(threads)} threads.")
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)
                if not all(other.is_alive() for other in threads) and not stop.is_set():
                    # A thread that died of a bug must not leave a process that looks well.
                    stop.set()
                    self._broken = True
        if getattr(self, "_broken", False):
            raise CommandError("A dispatcher thread ended on its own; see the log.")

    def _loop(self, index: int, stop: threading.Event, keep_days: int) -> None:
        dispatching.Dispatcher(name=f"{dispatching.heartbeats.own_name()}:{index}").run(stop, keep_days=keep_days)

    def _status(self, options: dict[str, Any]) -> None:
        state = watching.state()
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {"pending": state.pending, "lag_s": state.lag_s, "retrying": state.retrying, "dead": state.dead}
                )
            )
            return
        self.stdout.write(f"pending   {state.pending}")
        self.stdout.write(f"oldest    {state.lag_s:.1f} s")
        self.stdout.write(f"retrying  {state.retrying}")
        self.stdout.write(f"given up  {state.dead}")

    def _replay(self, options: dict[str, Any]) -> None:
        count = replaying.replay_event(
            event_id=options["event_id"], receiver=options["receiver"], by="manage.py outbox", now=timezone.now()
        )
        self.stdout.write(f"{count} deliveries wait again.")

    def _dead(self, options: dict[str, Any]) -> None:
        if options["replay"]:
            count = replaying.replay_dead(receiver=options["receiver"], by="manage.py outbox", now=timezone.now())
            self.stdout.write(f"{count} deliveries wait again.")
            return
        dead = OutboxDelivery.objects.dead().select_related("event").order_by("-pk")
        if options["receiver"]:
            dead = dead.filter(receiver=options["receiver"])
        for delivery in dead[: options["limit"]]:
            self.stdout.write(
                f"{delivery.pk}  {delivery.event.id}  {delivery.schema}  {delivery.event.name}  {delivery.receiver}"
                f"  after {delivery.attempts} attempts: {delivery.last_error[:200]}"
            )

    def _discard(self, options: dict[str, Any]) -> None:
        count = replaying.discard(
            deliveries=OutboxDelivery.objects.filter(pk__in=options["delivery_ids"]),
            by="manage.py outbox",
            now=timezone.now(),
        )
        self.stdout.write(f"{count} deliveries discarded.")

    def _prune(self, options: dict[str, Any]) -> None:
        count = dispatching.prune(before=timezone.now() - timedelta(days=options["keep_days"]))
        self.stdout.write(f"{count} events removed.")

"""Deliver again what was given up, or what a new receiver has missed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import get_public_schema_name, schema_context

from ops.kernel.alerts import services as alerts
from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound
from ops.kernel.outbox import subscriptions
from ops.kernel.outbox.models import DeliveryState, OutboxDelivery, OutboxEvent
from ops.kernel.outbox.services.publishing import CHANNEL


class UnknownEvent(NotFound):
    """No event has this id; delivered ones are removed after some days."""

    code = "unknown_event"
    message = _("No event has this id. Delivered events are kept for some days only.")


def replay_event(*, event_id: UUID, by: Any, now: datetime, receiver: str | None = None) -> int:
    """Deliver one event again, to every receiver of today or to one; says to how many. Raises `UnknownEvent`.

    The event arrives after those of its aggregate that were delivered since: receivers must bear that.
    """
    with schema_context(get_public_schema_name()), transaction.atomic():
        event = OutboxEvent.objects.select_for_update().filter(id=event_id).first()
        if event is None:
            raise UnknownEvent()
        names = [name for name in subscriptions.names_for(event.name) if receiver in (None, name)]
        OutboxDelivery.objects.bulk_create(
            [
                OutboxDelivery(event=event, receiver=name, schema=event.schema, aggregate=event.aggregate, due_at=now)
                for name in names
            ],
            ignore_conflicts=True,
        )
        audit.record("outbox.event_replayed", by=by, on=event, detail={"receivers": sorted(names)}, now=now)
        return _put_back(event.deliveries.filter(receiver__in=names), by=by, now=now)


def replay(*, deliveries: QuerySet[OutboxDelivery], by: Any, now: datetime) -> int:
    """Put these deliveries back in line, whatever became of them; says how many."""
    with schema_context(get_public_schema_name()), transaction.atomic():
        rows = list(deliveries.exclude(state=DeliveryState.PENDING).values_list("pk", "receiver"))
        if not rows:
            return 0
        detail = {"count": len(rows), "receivers": sorted({name for _pk, name in rows})}
        audit.record("outbox.deliveries_replayed", by=by, detail=detail, now=now)
        return _put_back(OutboxDelivery.objects.filter(pk__in=[pk for pk, _name in rows]), by=by, now=now)


def replay_dead(*, by: Any, now: datetime, receiver: str | None = None) -> int:
    """Put back everything that was given up, by one receiver or by all; says how many."""
    dead = OutboxDelivery.objects.dead()
    return replay(deliveries=dead if receiver is None else dead.filter(receiver=receiver), by=by, now=now)


def discard(*, deliveries: QuerySet[OutboxDelivery], by: Any, now: datetime) -> int:
    """Leave deliveries that were given up undelivered for good; says how many."""
    with schema_context(get_public_schema_name()), transaction.atomic():
        chosen = deliveries.filter(state=DeliveryState.DEAD)
        rows = list(chosen.order_by("pk").select_for_update(of=("self",)).values_list("pk", "receiver"))
        if not rows:
            return 0
        OutboxDelivery.objects.filter(pk__in=[pk for pk, _name in rows]).update(
            state=DeliveryState.DROPPED, done_at=now
        )
        touched = {name for _pk, name in rows}
        audit.record(
            "outbox.deliveries_discarded", by=by, detail={"count": len(rows), "receivers": sorted(touched)}, now=now
        )
        _close_alerts(touched, by=by, now=now)
    return len(rows)


def _put_back(deliveries: QuerySet[OutboxDelivery], *, by: Any, now: datetime) -> int:
    rows = list(deliveries.order_by("pk").select_for_update(of=("self",)).values_list("pk", "receiver"))
    OutboxDelivery.objects.filter(pk__in=[pk for pk, _name in rows]).update(
        state=DeliveryState.PENDING, attempts=0, due_at=now, done_at=None, last_error=""
    )
    _close_alerts({name for _pk, name in rows}, by=by, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return len(rows)


def _close_alerts(receivers: set[str], *, by: Any, now: datetime) -> None:
    """The alert of a receiver ends when nothing of it is given up any more."""
    still = set(OutboxDelivery.objects.dead().filter(receiver__in=receivers).values_list("receiver", flat=True))
    for name in sorted(receivers - still):
        alerts.resolve(key=f"outbox.dead:{name}", by=by, now=now)

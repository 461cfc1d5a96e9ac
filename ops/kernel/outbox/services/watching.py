"""How the outbox is doing, for the command, the health check and the metrics."""

from dataclasses import dataclass

from django.db import connection

# One scan of the two partial indexes; delivered rows are never looked at.
STATE = """
SELECT
    (SELECT count(*) FROM public.outbox_outboxdelivery WHERE state = 'pending'),
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0) FROM public.outbox_outboxdelivery
     WHERE state = 'pending' AND due_at <= clock_timestamp()),
    (SELECT count(*) FROM public.outbox_outboxdelivery WHERE state = 'pending' AND attempts > 0),
    (SELECT count(*) FROM public.outbox_outboxdelivery WHERE state = 'dead')
"""


@dataclass(frozen=True, slots=True)
class State:
    """Deliveries that wait, the age of the oldest that is due, those that failed before, those given up."""

    pending: int
    lag_s: float
    retrying: int
    dead: int


def state() -> State:
    """The outbox of the whole installation, now."""
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        pending, lag_s, retrying, dead = cursor.fetchone()
    return State(pending=pending, lag_s=max(0.0, float(lag_s)), retrying=retrying, dead=dead)

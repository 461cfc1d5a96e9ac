"""Work of the counter that nobody waits for."""

from celery import shared_task
from django.utils import timezone

from chat.services import conversations
from ops.kernel.tasks import every_tenant


@shared_task(name="chat.wake_snoozed")
def wake_snoozed() -> None:
    """Open the conversations whose snooze has ended, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        conversations.wake_due(now=timezone.now())

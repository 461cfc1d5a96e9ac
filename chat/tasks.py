"""Work of the counter that nobody waits for."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from chat.services import attachments, calls, conversations, processing, stats
from ops.kernel.errors import TemporaryFailure
from ops.kernel.tasks import every_tenant


@shared_task(name="chat.wake_snoozed")
def wake_snoozed() -> None:
    """Open the conversations whose snooze has ended, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        conversations.wake_due(now=timezone.now())


@shared_task(
    name="chat.process_attachment",
    autoretry_for=(TemporaryFailure, OSError),
    retry_backoff=10,
    retry_backoff_max=300,
    max_retries=6,
)
def process_attachment(*, attachment_id: str) -> None:
    """Check a complete upload and make it ready; a second run finds it done. The sweep asks again for lost ones."""
    processing.run(attachment_id=UUID(attachment_id), now=timezone.now())


@shared_task(name="chat.sweep_attachments")
def sweep_attachments() -> None:
    """Remove uploads nobody sent and check again what a lost worker left, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        attachments.sweep(now=timezone.now())


@shared_task(name="chat.count_hours")
def count_hours() -> None:
    """Bring the figures of the reports up to now, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        stats.catch_up(now=timezone.now())


@shared_task(name="chat.end_unanswered_call")
def end_unanswered_call(*, call_id: str) -> None:
    """End a call that nobody answered; one that was answered goes on."""
    calls.ring_out(call_id=UUID(call_id), now=timezone.now())


@shared_task(name="chat.sweep_calls")
def sweep_calls() -> None:
    """End calls whose pages are gone, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        calls.sweep(now=timezone.now())

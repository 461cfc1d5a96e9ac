"""Webhooks are handled in the background, after the sender has had its answer."""

from celery import shared_task
from django.utils import timezone

from ops.kernel.errors import TemporaryFailure
from ops.kernel.outbox.services import inbox


@shared_task(
    name="outbox.handle_inbound",
    autoretry_for=(TemporaryFailure,),
    retry_backoff=5,
    retry_backoff_max=1800,
    max_retries=8,
)
def handle_inbound(*, inbox_id: str) -> None:
    """Handle one stored webhook; a second run finds it handled and stops."""
    inbox.handle(inbox_id=inbox_id, now=timezone.now())

"""Messages about alerts leave in the background."""

from celery import shared_task
from django.utils import timezone

from ops.kernel.alerts import services
from ops.kernel.errors import TemporaryFailure


@shared_task(
    name="alerts.deliver", autoretry_for=(TemporaryFailure,), retry_backoff=10, retry_backoff_max=1800, max_retries=6
)
def deliver(*, delivery_id: str) -> None:
    """Send one message; a second run finds it sent and stops."""
    services.deliver(delivery_id=delivery_id, now=timezone.now())

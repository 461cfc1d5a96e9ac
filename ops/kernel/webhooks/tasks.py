"""Webhooks leave in the background."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from ops.kernel.tasks import every_tenant
from ops.kernel.webhooks.services import deliveries


@shared_task(name="webhooks.deliver")
def deliver(*, delivery_id: str) -> None:
    """Send one delivery; a second run finds it taken or settled and stops."""
    deliveries.deliver(delivery_id=UUID(delivery_id), now=timezone.now())


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Queue what is due again, in every tenant."""
    for _tenant in every_tenant():
        deliveries.sweep(now=timezone.now())


@shared_task(name="webhooks.prune")
def prune() -> None:
    """Forget what is long settled, in every tenant."""
    for _tenant in every_tenant():
        deliveries.prune(now=timezone.now())

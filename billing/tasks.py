"""Background work of billing."""

from celery import shared_task
from django.utils import timezone

from billing.services import usage
from ops.kernel.tasks import every_tenant


@shared_task(name="billing.read_gauges")
def read_gauges() -> None:
    """Note what every active tenant uses; runs every ten minutes."""
    for tenant in every_tenant():
        usage.read_gauges(tenant=tenant, now=timezone.now())

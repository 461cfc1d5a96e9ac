"""Kept answers are thrown away when their day is over."""

from celery import shared_task
from django.utils import timezone

from ops.kernel.idempotency import services
from ops.kernel.tasks import every_tenant


@shared_task(name="idempotency.forget_expired")
def forget_expired() -> int:
    """Go through every schema; says how many answers were removed."""
    now = timezone.now()
    return sum(services.forget_expired(now=now) for _tenant in every_tenant(include_public=True))

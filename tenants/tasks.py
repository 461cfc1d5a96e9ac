"""Background work on tenants."""

from celery import shared_task
from django.utils import timezone

from ops.kernel.errors import TemporaryFailure
from tenants.services import claims, lifecycle, provisioning, ready


@shared_task(name="tenants.provision", autoretry_for=(TemporaryFailure,), retry_backoff=5, max_retries=3)
def provision(*, job_id: str) -> None:
    """Prepare a tenant; a second run continues where the first one stopped."""
    provisioning.run(job_id=job_id, now=timezone.now())


@shared_task(name="tenants.purge")
def purge() -> None:
    """Delete the tenants whose grace time is over."""
    lifecycle.purge_due(now=timezone.now())


@shared_task(name="tenants.take_up")
def take_up() -> None:
    """Ask again for preparations that nobody is doing."""
    provisioning.take_up(now=timezone.now())


@shared_task(name="tenants.keep_ready", ignore_result=True)
def keep_ready() -> None:
    """Have schemas ready for the tenants to come."""
    ready.keep()


@shared_task(name="tenants.check_domains", ignore_result=True)
def check_domains() -> None:
    """Ask the DNS about the customers' own domains whose turn it is."""
    claims.check_due(now=timezone.now())

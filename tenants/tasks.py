"""Background work on tenants."""

from smtplib import SMTPException

from celery import shared_task
from django.utils import timezone

from ops.kernel.errors import TemporaryFailure
from tenants.services import (
    certificates,
    claims,
    leaving,
    letters,
    lifecycle,
    provisioning,
    ready,
    renaming,
    senders,
    support,
)


@shared_task(name="tenants.provision", autoretry_for=(TemporaryFailure,), retry_backoff=5, max_retries=3)
def provision(*, job_id: str) -> None:
    """Prepare a tenant; a second run continues where the first one stopped."""
    provisioning.run(job_id=job_id, now=timezone.now())


@shared_task(name="tenants.purge")
def purge() -> None:
    """Delete the tenants whose grace time is over."""
    lifecycle.purge_due(now=timezone.now())


@shared_task(name="tenants.leave", ignore_result=True)
def leave(*, job_id: str) -> None:
    """Make an export, and tell the owners of a closed account; a second run continues where the first one stopped."""
    leaving.run(job_id=job_id, now=timezone.now())


@shared_task(name="tenants.tend_leaving", ignore_result=True)
def tend_leaving() -> None:
    """Remind owners before their data are deleted, and give back addresses of before."""
    leaving.tend(now=timezone.now())
    renaming.release_due(now=timezone.now())


@shared_task(name="tenants.write_farewell", autoretry_for=(OSError, SMTPException), retry_backoff=10, max_retries=6)
def write_farewell(*, job_id: str, person_id: str, letter: str, days: int, until: str) -> None:
    """Write to one owner of an account that is closed, exported or opened again; a second run finds it sent and stops."""
    leaving.write_to_owner(job_id=job_id, person_id=person_id, letter=letter, days=days, until=until)


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


@shared_task(name="tenants.check_certificate", ignore_result=True)
def check_certificate(*, claim_id: str) -> None:
    """Look at the certificate of one domain, because its owner asked."""
    certificates.check_one(claim_id=claim_id, now=timezone.now())


@shared_task(name="tenants.check_certificates", ignore_result=True)
def check_certificates() -> None:
    """Look at the certificates of customers' own domains whose turn it is."""
    certificates.check_due(now=timezone.now())


@shared_task(
    name="tenants.send_support_letter", autoretry_for=(OSError, SMTPException), retry_backoff=10, max_retries=6
)
def send_support_letter(*, grant_id: str, owner_id: str) -> None:
    """Ask one owner of a customer whether support may come in; a second run finds the letter sent and stops."""
    support.write_to_owner(grant_id=grant_id, owner_id=owner_id)


@shared_task(name="tenants.close_overdue_visits", ignore_result=True)
def close_overdue_visits() -> None:
    """Write down visits and requests whose time is over; they were refused since."""
    support.close_overdue(now=timezone.now())


@shared_task(name="tenants.check_senders", ignore_result=True)
def check_senders() -> None:
    """Ask the DNS whether own sender addresses may still be used."""
    senders.check_all(now=timezone.now())


@shared_task(name="tenants.send_sample", autoretry_for=(OSError,), retry_backoff=30, max_retries=3)
def send_sample(*, name: str, to: str, language: str, host: str) -> None:
    """One letter for looking at."""
    letters.sample(name, to=to, language=language, host=host).send()

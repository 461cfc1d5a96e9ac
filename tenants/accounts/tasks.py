"""Background work on people."""

from smtplib import SMTPException

from celery import shared_task

from tenants.accounts.services import emails


@shared_task(name="accounts.send_letter", autoretry_for=(OSError, SMTPException), retry_backoff=10, max_retries=6)
def send_letter(*, letter: str, user_id: str, host: str, to: str) -> None:
    """Write and send one letter; when the mail server is away it is tried again for about ten minutes."""
    emails.deliver(letter=letter, user_id=user_id, host=host, to=to)

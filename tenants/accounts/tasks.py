"""Background work on people."""

from smtplib import SMTPException

from celery import shared_task
from django.utils import timezone

from ops.kernel.tasks import every_tenant
from tenants.accounts.models import IdentityProvider
from tenants.accounts.services import (
    attempts,
    doors,
    email_domains,
    emails,
    identity_providers,
    invitations,
    logins,
    sessions,
    single_sign_on,
    tokens,
    users,
)


@shared_task(name="accounts.send_letter", autoretry_for=(OSError, SMTPException), retry_backoff=10, max_retries=6)
def send_letter(*, letter: str, user_id: str, host: str, to: str, about: str = "") -> None:
    """Write and send one letter; when the mail server is away it is tried again for about ten minutes."""
    emails.deliver(letter=letter, user_id=user_id, host=host, to=to, about=about)


@shared_task(name="accounts.send_invitation", autoretry_for=(OSError, SMTPException), retry_backoff=10, max_retries=6)
def send_invitation(*, invitation_id: str, host: str) -> None:
    """Write one invitation; nothing is sent for one that was answered or taken back."""
    emails.deliver_invitation(invitation_id=invitation_id, host=host, link_of=invitations.token_of)


@shared_task(name="accounts.answer_reset_request")
def answer_reset_request(*, email: str, host: str) -> None:
    """Write to whoever forgot the password, if anybody has that address."""
    users.answer_password_reset(email=email, host=host)


@shared_task(name="accounts.tell_of_guesses")
def tell_of_guesses(*, email: str, host: str) -> None:
    """Write to whoever's password is being guessed, if anybody has that address."""
    users.tell_of_guesses(email=email, host=host)


@shared_task(name="accounts.forget_old_sessions")
def forget_old_sessions() -> None:
    """Delete logins that ended long ago, in every schema; runs once a day."""
    for _tenant in every_tenant(include_public=True):
        now = timezone.now()
        sessions.forget_old(now=now)
        logins.forget_old(now=now)
        attempts.forget_old(now=now)
        single_sign_on.forget_old(now=now)
        tokens.forget_old(now=now)


@shared_task(name="accounts.answer_recovery_request")
def answer_recovery_request(*, email: str, host: str) -> None:
    """Write to whoever asked for the way back in, if that is an owner behind an enforced identity provider."""
    doors.answer_recovery(email=email, host=host, now=timezone.now())


@shared_task(name="accounts.refresh_identity_providers")
def refresh_identity_providers() -> None:
    """Read the metadata of every SAML provider again, so that new certificates are known in time; once a day."""
    for _tenant in every_tenant():
        for provider in IdentityProvider.objects.open().order_by("pk"):
            identity_providers.refresh(provider=provider, now=timezone.now())


@shared_task(name="accounts.warn_of_token_ends")
def warn_of_token_ends() -> None:
    """Write to whom a token belongs that ends within a week; runs every six hours."""
    for _tenant in every_tenant():
        tokens.warn_of_ends(now=timezone.now())


@shared_task(name="accounts.check_email_domains", ignore_result=True)
def check_email_domains() -> None:
    """Look whether e-mail domains of single sign-on are still proved; runs every six hours."""
    for _tenant in every_tenant():
        email_domains.check_all(now=timezone.now())

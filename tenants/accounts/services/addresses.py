"""E-mail addresses: changing the one a person logs in with, once the new one has answered.

allauth keeps the addresses and the waiting confirmations as rows of the schema. The link carries the row's key signed
for the schema, because a row may be copied with a cloned tenant.
"""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress, EmailConfirmation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import get_random_string

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from tenants.accounts.errors import EmailTaken, LinkExpired, WrongPassword
from tenants.accounts.models import User
from tenants.accounts.services import doors, emails, links, logins

CONFIRMATION_AGE = timedelta(days=3)


@transaction.atomic
def request_change(*, user: User, email: str, password: str, now: datetime, host: str = "") -> None:
    """Send a letter to a new address, and one to the old that can stop it.

    Nothing changes until the new one is answered; asking again replaces the one before. Raises `WrongPassword`, `EmailTaken`, and `Invalid` for what is no address.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(errors=[FieldError("email", "invalid", " ".join(error.messages))]) from error
    doors.require_own(email=user.email)
    if not user.check_password(password):
        raise WrongPassword(field="password")
    if User.objects.filter(email=email).exists():
        raise EmailTaken(field="email")
    EmailAddress.objects.filter(user=user, verified=False).delete()
    address, _created = EmailAddress.objects.get_or_create(user=user, email=email)
    EmailConfirmation.objects.filter(email_address=address).delete()
    confirmation = EmailConfirmation.create(address)
    confirmation.sent = now
    confirmation.save(update_fields=["sent"])
    emails.send("confirm_email", user=user, host=host, to=email)
    emails.send("email_changing", user=user, host=host, to=user.email, about=email)
    audit.record("accounts.email_change_asked", by=user, on=user, detail={"to": email}, now=now)


def waiting(*, user: User) -> str:
    """The address a letter was sent to and that has not answered yet, or an empty string."""
    found = EmailAddress.objects.filter(user=user, verified=False).order_by("-pk").first()
    return found.email if found else ""


def awaited(*, token: str) -> str:
    """The address a confirmation link is about. Raises `LinkExpired`."""
    return _confirmation(token).email_address.email


@transaction.atomic
def confirm(*, token: str, now: datetime) -> User:
    """The new address has answered: it is the login from now on. The link works once. Raises `LinkExpired`, `EmailTaken`."""
    address = _confirmation(token).email_address
    user = User.objects.select_for_update(of=("self",)).get(pk=address.user_id)
    if User.objects.filter(email=address.email).exclude(pk=user.pk).exists():
        raise EmailTaken
    before = user.email

    EmailAddress.objects.filter(user=user).exclude(pk=address.pk).delete()
    address.verified = address.primary = True
    address.save(update_fields=["verified", "primary"])
    EmailConfirmation.objects.filter(email_address=address).delete()
    user.email = address.email
    user.save(update_fields=["email", "updated_at"])

    emails.send("email_changed", user=user, to=before, about=user.email)
    audit.record("accounts.email_changed", by=user, on=user, detail={"from": before, "to": user.email}, now=now)
    return user


def meant(*, token: str) -> tuple[str, str, bool]:
    """Old and new address of a letter to the old one, and whether the change has happened. Raises `LinkExpired`."""
    user, old, new = links.stopping_email_change(token)
    if user.email == new:
        return old, new, True
    if user.email == old and _waiting(user, new).exists():
        return old, new, False
    raise LinkExpired


@transaction.atomic
def stop(*, token: str, now: datetime) -> bool:
    """The old address says it was not them. Says whether the change had happened already and was undone.

    Then whoever did it knows the password: it stops working, every login ends, and a letter lets the owner choose
    another. Raises `LinkExpired`, and `EmailTaken` when somebody else has the old address now.
    """
    old, _new, has_happened = meant(token=token)
    user, _old, new = links.stopping_email_change(token)
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    EmailAddress.objects.filter(user=user).delete()
    if not has_happened:
        audit.record("accounts.email_change_stopped", by=user, on=user, detail={"to": new}, now=now)
        return False
    if User.objects.filter(email=old).exclude(pk=user.pk).exists():
        raise EmailTaken
    user.email = old
    # Random, not unusable: a person without a password is one who was never here.
    user.set_password(get_random_string(40))
    user.save(update_fields=["email", "password", "updated_at"])
    logins.end_all(user=user, now=now)
    emails.send("password_reset", user=user)
    audit.record("accounts.email_change_undone", by=user, on=user, detail={"from": new, "to": old}, now=now)
    return True


def _waiting(user: User, email: str) -> QuerySet[EmailAddress]:
    return EmailAddress.objects.filter(user=user, email=email, verified=False)


def _confirmation(token: str) -> EmailConfirmation:
    age = int(CONFIRMATION_AGE.total_seconds())
    try:
        key = signing.loads(token, salt=emails.CONFIRMATION_SALT, max_age=age)
    except signing.BadSignature as error:
        raise LinkExpired from error
    found = EmailConfirmation.objects.select_related("email_address__user").filter(key=key).first()
    if found is None or found.email_address.verified or not found.email_address.user.is_active:
        raise LinkExpired
    return found

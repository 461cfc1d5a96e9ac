"""E-mail addresses: changing the one a person logs in with, once the new one has answered.

allauth keeps the addresses and the waiting confirmations as rows of the schema. The link carries the row's key signed
for the schema, because a row may be copied with a cloned tenant.
"""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress, EmailConfirmation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from tenants.accounts.errors import EmailTaken, LinkExpired, WrongPassword
from tenants.accounts.models import User
from tenants.accounts.services import doors, emails

CONFIRMATION_AGE = timedelta(days=3)


@transaction.atomic
def request_change(*, user: User, email: str, password: str, now: datetime, host: str = "") -> None:
    """Send a letter to a new address. Nothing changes until it is answered; asking again replaces the one before.

    Raises `WrongPassword`, `EmailTaken`, and `Invalid` for what is no address.
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

    emails.send("email_changed", user=user, to=before)
    audit.record("accounts.email_changed", by=user, on=user, detail={"from": before, "to": user.email}, now=now)
    return user


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

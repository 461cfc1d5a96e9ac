"""What allauth may do in this house: keep e-mail addresses; the pages and the letters are ours."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailConfirmation
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.urls import reverse

from ops.kernel import fields, signing
from tenants.accounts.services.emails import CONFIRMATION_SALT


class AccountAdapter(DefaultAccountAdapter):
    """People come in by invitation; every link names the schema it was made for."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account in somebody else's business."""
        return False

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: EmailConfirmation) -> str:
        """Our own page; the key is signed for this schema, because allauth's own names none."""
        key = signing.dumps(emailconfirmation.key, salt=CONFIRMATION_SALT)
        return request.build_absolute_uri(reverse("accounts:confirm-email", args=[key]))


class MFAAdapter(DefaultMFAAdapter):
    """Keys of authenticator apps and seeds of recovery codes are unreadable in the database."""

    def encrypt(self, text: str) -> str:
        """A token under the newest of `FIELD_KEYS`."""
        return fields.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The text of such a token."""
        return fields.decrypt(encrypted_text)

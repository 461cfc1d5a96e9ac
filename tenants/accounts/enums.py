"""Words of accounts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BuiltInRole(models.TextChoices):
    """The roles every schema has from its first day."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    AGENT = "agent", _("Agent")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")
    BILLING = "billing", _("Billing")


ABOUT = {
    BuiltInRole.OWNER: _("Everything, and makes other owners."),
    BuiltInRole.ADMIN: _("Everything but owners: people, settings, brand and plan."),
    BuiltInRole.AGENT: _("Answers conversations."),
    BuiltInRole.EDITOR: _("Writes and publishes content, without answering conversations."),
    BuiltInRole.VIEWER: _("Looks, without changing anything."),
    BuiltInRole.BILLING: _("Sees the plan and what is used."),
}


class TokenKind(models.TextChoices):
    """Whose an API token is."""

    PERSONAL = "personal", _("Personal")
    SERVICE = "service", _("Service")


class IdentityProviderKind(models.TextChoices):
    """Ways a login service speaks."""

    OIDC = "oidc", _("OpenID Connect")
    SAML = "saml", _("SAML 2.0")
    GOOGLE = "google", _("Google")


class DomainProof(models.TextChoices):
    """How we know that an e-mail domain is the tenant's."""

    DNS = "dns", _("DNS record")
    RESELLER = "reseller", _("reseller")


class SignInPurpose(models.TextChoices):
    """Why somebody was sent to an identity provider."""

    LOGIN = "login", _("login")
    TEST = "test", _("test")


class LoginMethod(models.TextChoices):
    """How somebody showed who they are."""

    PASSWORD = "password", _("Password")
    PASSKEY = "passkey", _("Passkey")
    INVITATION = "invitation", _("Invitation")
    SSO = "sso", _("Company login")
    OTHER = "other", _("Another way")


class Factor(models.TextChoices):
    """What was shown after it."""

    TOTP = "totp", _("Authenticator app")
    PASSKEY = "webauthn", _("Passkey")
    RECOVERY_CODE = "recovery_codes", _("Recovery code")
    TRUSTED = "trusted", _("Trusted device")


class InvitationState(models.TextChoices):
    """What became of an invitation."""

    PENDING = "pending", _("Waiting for an answer")
    EXPIRED = "expired", _("Too old")
    ACCEPTED = "accepted", _("Accepted")
    REVOKED = "revoked", _("Taken back")

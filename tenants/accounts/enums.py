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


# Who may answer conversations takes one of the plan's agents; the first owner comes with the plan.
SEAT_ROLES = (BuiltInRole.OWNER, BuiltInRole.ADMIN, BuiltInRole.AGENT)


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

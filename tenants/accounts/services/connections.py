"""From a row to something that can be spoken to: an OpenID client or a SAML party, with our own addresses in it."""

import re

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from ops.kernel import http
from ops.kernel.errors import DomainError
from tenants.accounts.enums import IdentityProviderKind
from tenants.accounts.errors import PrivateAddress, ProviderUnusable, SignInRefused
from tenants.accounts.models import IdentityProvider
from tenants.accounts.providers import oidc, saml
from tenants.accounts.providers.base import AnswerRefused, SettingsRefused
from tenants.services import domains


def offers_google() -> bool:
    """Whether the platform has keys for signing in with Google."""
    return bool(settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET)


def base_of(*, host: str, scheme: str) -> str:
    """The address providers know us by: the tenant's main host, whichever host the person is on.

    `host` is the request's, with its port: when it is the main one, the port belongs to the address.
    """
    main = domains.host_of(connection.tenant)
    return f"{scheme}://{host}" if host.rsplit(":", 1)[0] == main else domains.address_at(main)


def own_addresses(provider: IdentityProvider, base: str) -> dict[str, str]:
    """What is copied into the provider's own settings."""
    names = {"callback": "sso-callback", "acs": "sso-acs", "metadata": "sso-metadata", "logout": "sso-logout"}
    found = {key: base + reverse(f"accounts:{name}", args=[provider.pk]) for key, name in names.items()}
    found["signed_out"] = base + reverse("accounts:signed-out")
    found["backchannel"] = base + reverse("accounts:sso-backchannel", args=[provider.pk])
    return found


def redirect_uri(provider: IdentityProvider, base: str) -> str:
    """Where the provider sends browsers back to. Google knows one address of the platform, not every tenant's."""
    if provider.kind == IdentityProviderKind.GOOGLE:
        return domains.address_at(settings.PLATFORM_DOMAIN, "/sso/google/callback/")
    return own_addresses(provider, base)["callback"]


def client(provider: IdentityProvider) -> oidc.Client:
    """The provider as OpenID Connect sees it."""
    google = provider.kind == IdentityProviderKind.GOOGLE
    return oidc.Client(
        issuer=settings.BASE_URLS["google_accounts"] if google else provider.issuer,
        client_id=settings.GOOGLE_CLIENT_ID if google else provider.client_id,
        client_secret=settings.GOOGLE_CLIENT_SECRET if google else provider.client_secret,
        private_addresses=settings.SSO_PRIVATE_ADDRESSES,
        email_claim=provider.email_attribute or "email",
        name_claim=provider.name_attribute or "name",
        groups_claim=provider.groups_attribute or "groups",
    )


def party(provider: IdentityProvider, base: str) -> saml.Party:
    """The provider and ourselves as SAML sees it."""
    ours = own_addresses(provider, base)
    return saml.Party(
        entity_id=provider.entity_id,
        sso_url=provider.sso_url,
        slo_url=provider.slo_url,
        certificates=tuple(one for one in (provider.certificate, provider.next_certificate) if one),
        own_entity_id=ours["metadata"],
        own_acs_url=ours["acs"],
        own_slo_url=ours["logout"],
        own_certificate=provider.own_certificate,
        own_key=provider.own_key,
        email_attribute=provider.email_attribute,
        name_attribute=provider.name_attribute,
        groups_attribute=provider.groups_attribute,
    )


def refusal(error: DomainError, provider: IdentityProvider) -> SignInRefused:
    """What went wrong outside, as somebody on the way in is told."""
    words = str(getattr(error, "words", "") or error)
    if isinstance(error, AnswerRefused):
        return SignInRefused(error.reason, provider=provider.name, words=words)
    if isinstance(error, http.ServiceUnavailable):
        return SignInRefused("silent", provider=provider.name, words=words)
    return SignInRefused("settings", provider=provider.name, words=words)


def problem(error: DomainError, *, field: str | None = None) -> DomainError:
    """What went wrong outside, as whoever sets it up is told."""
    if isinstance(error, http.AddressRefused):
        return PrivateAddress(field=field)
    if isinstance(error, SettingsRefused | http.ServiceRefused | http.ServiceUnavailable):
        return ProviderUnusable(field=field, words=_said(error)[:300])
    return error


def _said(error: DomainError) -> str:
    """Why, in the reader's language: what the system or a library calls it says nothing to whoever sets this up."""
    words = str(getattr(error, "words", ""))
    code = getattr(error, "status_code", 0)
    if code:
        return _("it answered with the error %(code)s.") % {"code": code}
    if not isinstance(error, http.ServiceUnavailable):
        return words or str(error)
    known = {
        r"Name or service not known|getaddrinfo|nodename|Temporary failure in name|No address": _(
            "there is no such name in the DNS."
        ),
        r"refused": _("nobody answers at this address."),
        r"timed? ?out|Timeout": _("it did not answer in time."),
        r"certificate|CERTIFICATE": _("the certificate it shows is not trusted."),
    }
    found = (told for pattern, told in known.items() if re.search(pattern, words))
    return next(found, _("the connection failed."))

"""Identity providers of a tenant's own people, and what was begun and settled with them."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import DomainProof, IdentityProviderKind, SignInPurpose
from tenants.accounts.models.login import Login
from tenants.accounts.models.role import Role


class EmailDomain(TimestampedModel):
    """A domain of e-mail addresses the tenant says is its own; worth something once that is proved."""

    name = models.CharField(_("domain"), max_length=253, unique=True)
    token = models.CharField(_("text of the proof"), max_length=64)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    proof = models.CharField(_("proved by"), max_length=10, choices=DomainProof, blank=True)
    checked_at = models.DateTimeField(_("looked up at"), null=True, blank=True)
    failing_since = models.DateTimeField(_("proof gone since"), null=True, blank=True)

    class Meta:
        verbose_name = _("e-mail domain")
        verbose_name_plural = _("e-mail domains")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def is_verified(self) -> bool:
        """Whether somebody proved that the domain is the tenant's."""
        return self.verified_at is not None


class IdentityProviderQuerySet(models.QuerySet["IdentityProvider"]):
    """Doors to identity providers."""

    def open(self) -> Self:
        """Those people may log in through."""
        return self.filter(enabled=True)

    def enforced_for(self, domain: str) -> Self:
        """Those that are the only way in for people of a domain."""
        return self.open().filter(enforced=True, domains__name=domain, domains__verified_at__isnull=False)


class IdentityProvider(TimestampedModel):
    """A login service of the tenant: what we must know to send people there and to believe what it says.

    Only people whose e-mail lies in one of `domains` may come in by it. `group_roles` is a list of
    `{"group": name, "role": short name}`; the first group a person is in decides.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=IdentityProviderKind)
    name = models.CharField(_("name"), max_length=80)
    button_label = models.CharField(_("words of the button"), max_length=80, blank=True)
    enabled = models.BooleanField(_("on"), default=False)
    # OpenID Connect
    issuer = models.CharField(_("issuer"), max_length=500, blank=True)
    client_id = models.CharField(_("client id"), max_length=300, blank=True)
    client_secret = EncryptedTextField(_("client secret"), blank=True, default="")
    # SAML
    metadata_url = models.CharField(_("address of the metadata"), max_length=500, blank=True)
    metadata_xml = models.TextField(_("metadata"), blank=True)
    entity_id = models.CharField(_("entity id"), max_length=500, blank=True)
    sso_url = models.CharField(_("login address"), max_length=500, blank=True)
    slo_url = models.CharField(_("logout address"), max_length=500, blank=True)
    certificate = models.TextField(_("certificate"), blank=True)
    next_certificate = models.TextField(_("next certificate"), blank=True)
    idp_initiated = models.BooleanField(_("logins may begin at the provider"), default=False)
    # Our own key pair, for what we sign (requests, logouts) and for what is encrypted to us.
    own_certificate = models.TextField(_("our certificate"), blank=True)
    own_key = EncryptedTextField(_("our private key"), blank=True, default="")
    # What stands where in what it says
    email_attribute = models.CharField(_("field with the e-mail"), max_length=200, blank=True)
    name_attribute = models.CharField(_("field with the name"), max_length=200, blank=True)
    groups_attribute = models.CharField(_("field with the groups"), max_length=200, blank=True)
    # Who may come in
    domains = models.ManyToManyField(
        EmailDomain, blank=True, related_name="identity_providers", verbose_name=_("e-mail domains")
    )
    enforced = models.BooleanField(_("the only way in"), default=False)
    creates_people = models.BooleanField(_("adds people at their first login"), default=False)
    default_role = models.ForeignKey(
        Role, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("role without a group")
    )
    group_roles = models.JSONField(_("roles by group"), default=list, blank=True)
    asks_second_factor = models.BooleanField(_("asks for our second factor too"), default=False)
    # How it does
    tested_at = models.DateTimeField(_("test login at"), null=True, blank=True)
    checked_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    problem = models.TextField(_("what is wrong"), blank=True)

    objects = IdentityProviderQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        default_permissions = ()
        permissions = [("manage_identityprovider", "Can set up single sign-on")]

    def __str__(self) -> str:
        return self.name


class ExternalIdentity(TimestampedModel):
    """A person as one identity provider knows them: its own name for them, which never changes."""

    provider = models.ForeignKey(
        IdentityProvider, models.CASCADE, related_name="identities", verbose_name=_("provider")
    )
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="external_identities", verbose_name=_("person")
    )
    last_login_at = models.DateTimeField(_("last login"), null=True, blank=True)

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_once_a_provider"),
            models.UniqueConstraint(fields=["provider", "user"], name="external_identity_once_a_person"),
        ]

    def __str__(self) -> str:
        return self.subject


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Doors to sign-ins."""

    def awaited(self, now: datetime) -> Self:
        """Begun, not answered, and not too long ago."""
        return self.filter(answered_at=None, expires_at__gt=now)


class SignIn(TimestampedModel):
    """One way to an identity provider and back. Each step is taken once.

    `browser` is the fingerprint of a cookie of the browser that began: an answer that comes to another one is refused.
    Afterwards `login` says which of our sessions the provider may end.
    """

    provider = models.ForeignKey(IdentityProvider, models.CASCADE, related_name="sign_ins", verbose_name=_("provider"))
    purpose = models.CharField(_("purpose"), max_length=10, choices=SignInPurpose, default=SignInPurpose.LOGIN)
    request_key = models.CharField(_("request"), max_length=80, unique=True)
    browser = models.CharField(_("browser"), max_length=64, blank=True)
    nonce = models.CharField(_("nonce"), max_length=64, blank=True)
    verifier = EncryptedTextField(_("proof key"), blank=True, default="")
    next_path = models.CharField(_("goes on to"), max_length=500, blank=True)
    expires_at = models.DateTimeField(_("expires at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    # What the provider said: subject, e-mail, name, groups, session; and in a test how it would have ended.
    claims = models.JSONField(_("what the provider said"), default=dict, blank=True)
    report = models.JSONField(_("result"), default=dict, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    login = models.ForeignKey(
        Login, models.SET_NULL, null=True, blank=True, related_name="sign_ins", verbose_name=_("login")
    )
    id_token = EncryptedTextField(_("identity token"), blank=True, default="")

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="sign_in_expiry")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.purpose}"


class SpentAssertion(TimestampedModel):
    """An assertion or logout token that was used; it is refused when it comes again."""

    provider = models.ForeignKey(IdentityProvider, models.CASCADE, related_name="+", verbose_name=_("provider"))
    key = models.CharField(_("fingerprint"), max_length=64)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)

    class Meta:
        verbose_name = _("spent assertion")
        verbose_name_plural = _("spent assertions")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["provider", "key"], name="assertion_spent_once")]

    def __str__(self) -> str:
        return self.key

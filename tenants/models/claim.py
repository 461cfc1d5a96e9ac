"""Hosts that somebody says are theirs, from the wish to the proof and for as long as the proof stands."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.enums import ClaimState, TlsProblem
from tenants.models.domain import Domain
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant


class DomainClaimQuerySet(models.QuerySet["DomainClaim"]):
    """Doors to the claims; every tenant can see this table, so its pages start with `of`."""

    def of(self, tenant: Tenant, reseller: Reseller | None = None) -> Self:
        """Claims of one tenant, or of one reseller's console (then `tenant` is the platform's own row)."""
        return self.filter(tenant=tenant, reseller=reseller)


class DomainClaim(TimestampedModel):
    """Somebody's wish to be reached at a host. It routes nothing: only a proven claim has a `domain`, and that routes.

    Several may claim the same host; the one who writes the token into the host's DNS gets it.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domain_claims", verbose_name=_("customer"))
    reseller = models.ForeignKey(
        Reseller, models.CASCADE, null=True, blank=True, related_name="domain_claims", verbose_name=_("reseller")
    )
    host = models.CharField(_("host"), max_length=253)
    token = models.CharField(_("word of the proof"), max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=ClaimState, default=ClaimState.WAITING)
    domain = models.OneToOneField(
        Domain, models.SET_NULL, null=True, blank=True, related_name="claim", verbose_name=_("address")
    )
    # Taken from it while it fails, given back when it is well again.
    was_primary = models.BooleanField(default=False, editable=False)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("next check"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failed checks in a row"), default=0)
    # What the last check read in the DNS, as the page shows it.
    found = models.JSONField(default=dict, blank=True, editable=False)
    # The certificate visitors are shown there, as it was seen last. `tls_warned` are the days of the warning that stands.
    tls_checked_at = models.DateTimeField(_("certificate looked at"), null=True, blank=True)
    tls_until = models.DateTimeField(_("certificate valid until"), null=True, blank=True)
    tls_issuer = models.CharField(_("issued by"), max_length=120, blank=True, db_default="")
    tls_problem = models.CharField(
        _("trouble with the certificate"), max_length=12, choices=TlsProblem, blank=True, db_default=""
    )
    tls_warned = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)

    objects = DomainClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claimed address")
        verbose_name_plural = _("claimed addresses")
        permissions = [("manage_domains", _("Manage own domains"))]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "reseller", "host"], name="domain_claimed_once_by_each", nulls_distinct=False
            )
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"],
                condition=models.Q(next_check_at__isnull=False),
                name="domain_claims_to_check",
            )
        ]

    def __str__(self) -> str:
        return self.host

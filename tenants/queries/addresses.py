"""The addresses of a tenant or of a reseller's console as pages list them: given, proven and still waiting ones."""

from dataclasses import dataclass

import idna
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django_tenants.utils import schema_context

from tenants.enums import PUBLIC_SCHEMA, ClaimState, TlsProblem
from tenants.models import Domain, DomainClaim, Reseller, Tenant
from tenants.queries import records
from tenants.queries.records import Record


@dataclass(frozen=True, slots=True)
class Address:
    """One host with what stands behind it; `claim` is missing for hosts below the platform."""

    host: str
    is_primary: bool
    redirects_others: bool
    domain: Domain | None
    claim: DomainClaim | None

    @property
    def shown(self) -> str:
        """The host as people write it: `xn--caf-dma.com.br` → `café.com.br`; nothing when that is the same."""
        if "xn--" not in self.host:
            return ""
        try:
            return idna.decode(self.host)
        except (idna.IDNAError, UnicodeError):
            return ""

    @property
    def state(self) -> str:
        """`given` by the platform, else the claim's state; `idle` is proven and does not lead here yet."""
        if self.claim is None:
            return "given"
        if self.claim.state == ClaimState.VERIFIED and not self.claim.found.get("points"):
            return "idle"
        return self.claim.state

    @property
    def label(self) -> str:
        """The state in words."""
        return {
            "given": pgettext("domain", "Ready"),
            "idle": _("Verified, not leading here yet"),
            ClaimState.WAITING: _("Waiting for the DNS"),
            ClaimState.VERIFIED: pgettext("domain", "Verified"),
            ClaimState.FAILING: _("Check fails"),
            ClaimState.LOST: _("Taken out"),
        }[self.state]

    @property
    def tone(self) -> str:
        """Its colour."""
        return {"given": "green", "idle": "amber", "verified": "green", "failing": "red", "lost": "red"}.get(
            self.state, "amber"
        )

    @property
    def may_be_primary(self) -> bool:
        """Whether links may be made with it."""
        return self.domain is not None and not self.is_primary and self.state in {"given", "verified"}

    @property
    def records(self) -> list[Record]:
        """What to enter in the DNS."""
        return records.needed(self.claim) if self.claim else []

    @property
    def hint(self) -> str:
        """What to do next, in one sentence; nothing when all is well."""
        if self.claim is None:
            return ""
        found = self.claim.found
        if found.get("taken"):
            return _("Another account proved this domain first. It can be yours when their record is gone.")
        if found.get("trouble"):
            return _("The name servers did not answer. We ask again in a few minutes.")
        if self.state == ClaimState.LOST:
            return _("Its records were gone for days. Enter them again, then check.")
        if self.state in {ClaimState.WAITING, ClaimState.FAILING} and found and not found.get("proof"):
            return _("The TXT record is not there, or not the right one. New records can take an hour to be seen.")
        if self.state in {"idle", ClaimState.FAILING}:
            return _("The domain is yours, but it leads elsewhere. Enter the record that points here.")
        if self.state == ClaimState.WAITING:
            return _("Enter its records where you bought the domain, then check.")
        return self.certificate if self.certificate_tone in {"amber", "red"} else ""

    @property
    def certificate_tone(self) -> str:
        """How well its certificate is: `green`, `amber` when it ends soon or was not reached, `red`; nothing when never seen."""
        claim = self.claim
        if claim is None or claim.domain_id is None or claim.tls_checked_at is None:
            return ""
        if claim.tls_problem == TlsProblem.SILENT:
            return "amber"
        if claim.tls_problem or claim.tls_warned == 0:
            return "red"
        return "green" if claim.tls_warned is None else "amber"

    @property
    def certificate(self) -> str:
        """What is known of its certificate, in a sentence."""
        claim = self.claim
        if claim is None or not self.certificate_tone:
            return _("Not looked at yet.")
        if claim.tls_problem == TlsProblem.SILENT:
            return _("Its certificate could not be seen: nobody answered on port 443.")
        if claim.tls_problem == TlsProblem.OTHER_NAME:
            return _("Its certificate is made out for another name, so browsers refuse it.")
        if claim.tls_problem == TlsProblem.EXPIRED:
            return _("Its certificate has run out, so browsers refuse it.")
        if claim.tls_problem:
            return _("Browsers do not trust its certificate.")
        day = date_format(localtime(claim.tls_until), "DATE_FORMAT") if claim.tls_until else ""
        if self.certificate_tone == "green":
            return _("Valid until %(day)s, issued by %(issuer)s.") % {"day": day, "issuer": claim.tls_issuer}
        return _("Its certificate ends on %(day)s and was not renewed yet.") % {"day": day}


def of(tenant: Tenant, reseller: Reseller | None = None) -> list[Address]:
    """All of one owner, the main one first."""
    with schema_context(PUBLIC_SCHEMA):
        now_its_own = Domain.objects.filter(tenant=tenant, reseller=reseller, redirects_until=None)
        standing = list(now_its_own.order_by("-is_primary", "domain"))
        claimed = list(
            DomainClaim.objects.of(tenant, reseller).select_related("tenant__reseller", "reseller").order_by("host")
        )
    by_domain = {claim.domain_id: claim for claim in claimed if claim.domain_id}
    rows = [Address(one.domain, one.is_primary, one.redirects_others, one, by_domain.get(one.pk)) for one in standing]
    return rows + [Address(one.host, False, False, None, one) for one in claimed if not one.domain_id]


def one(claim: DomainClaim) -> Address:
    """The address of one claim."""
    domain = claim.domain
    return Address(
        claim.host, bool(domain and domain.is_primary), bool(domain and domain.redirects_others), domain, claim
    )

"""What a customer enters in the DNS of its domain, and what counts as leading here."""

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django_tenants.utils import schema_context
from publicsuffixlist import PublicSuffixList

from tenants.enums import PUBLIC_SCHEMA, ClaimState
from tenants.models import DomainClaim, Reseller
from tenants.queries import hosts

# Where the proof is written: a label of its own, because beside a CNAME nothing else may stand.
PROOF_LABEL = "_domain-check"
PROOF_PREFIX = "domain-check="
# RFC 6761, 6762, 8375 and what private networks use: no stranger's DNS answers for them.
PRIVATE_SUFFIXES = ("localhost", "local", "internal", "invalid", "onion", "arpa", "lan", "home", "corp")


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a DNS zone. `name` is as most panels want it, below the registered domain; `full` is all of it."""

    kind: str
    name: str
    full: str
    value: str
    is_proof: bool = False


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registered(host: str) -> str:
    """The domain somebody registered: `chat.loja.com.br` → `loja.com.br`; empty for a public suffix itself."""
    return _suffixes().privatesuffix(host) or ""


def is_apex(host: str) -> bool:
    """Whether it is a registered domain itself: there a CNAME is not allowed."""
    return registered(host) == host


def is_private(host: str) -> bool:
    """Whether the public DNS never answers for it."""
    return host.rsplit(".", 1)[-1] in PRIVATE_SUFFIXES


def proof_name(host: str) -> str:
    """Where the proof of a host is looked for."""
    return f"{PROOF_LABEL}.{host}"


def proof_value(claim: DomainClaim) -> str:
    """What has to stand there."""
    return f"{PROOF_PREFIX}{claim.token}"


def target_of(claim: DomainClaim) -> str:
    """The host a claim's CNAME names: a reseller's own console when it has a domain of its own, else the edge's."""
    reseller = claim.reseller or claim.tenant.reseller
    return (_own_host(reseller) if reseller and claim.reseller is None else "") or settings.EDGE_HOST


def _own_host(reseller: Reseller) -> str:
    return hosts.remembered(f"console:{reseller.pk}", lambda: _find_own_host(reseller))


def _find_own_host(reseller: Reseller) -> str:
    with schema_context(PUBLIC_SCHEMA):
        proven = DomainClaim.objects.filter(
            reseller=reseller, state=ClaimState.VERIFIED, domain__is_primary=True, found__points=True
        )
        return proven.values_list("host", flat=True).first() or ""


def needed(claim: DomainClaim) -> list[Record]:
    """The lines to enter: the proof, and the way here."""
    zone = registered(claim.host) or claim.host
    proof = proof_name(claim.host)
    rows = [Record("TXT", _below(zone, proof), proof, proof_value(claim), is_proof=True)]
    if not is_apex(claim.host):
        return [*rows, Record("CNAME", _below(zone, claim.host), claim.host, target_of(claim))]
    if not settings.EDGE_ADDRESSES:
        return [*rows, Record("ALIAS", "@", claim.host, target_of(claim))]
    rows += [Record("AAAA" if ":" in address else "A", "@", claim.host, address) for address in settings.EDGE_ADDRESSES]
    return rows


def _below(zone: str, name: str) -> str:
    return name.removesuffix(f".{zone}") if name != zone else "@"

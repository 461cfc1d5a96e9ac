"""E-mail domains that are the tenant's own, proved by a DNS record or vouched for by its reseller.

Whoever controls a domain's identity provider speaks for every address in it, so nothing is linked or made before the
tenant has shown that the domain is its own.
"""

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction

from ops.kernel import dns
from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound
from tenants.accounts.enums import DomainProof
from tenants.accounts.errors import DomainInUse, DomainMalformed, DomainNotProved, DomainOfEverybody, DomainTaken
from tenants.accounts.models import EmailDomain
from tenants.queries import hosts

RECORD = "_sso"
PREFIX = "sso-proof="
# Nobody's own: a proof of one of these could only be a mistake, and vouching for one would hand out its people.
EVERYBODYS = frozenset(
    {
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "outlook.com.br",
        "hotmail.com",
        "hotmail.com.br",
        "live.com",
        "msn.com",
        "yahoo.com",
        "yahoo.com.br",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "uol.com.br",
        "bol.com.br",
        "terra.com.br",
        "ig.com.br",
        "globo.com",
        "globomail.com",
        "r7.com",
        "zipmail.com.br",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.com",
        "gmx.net",
        "mail.com",
        "zoho.com",
        "yandex.com",
        "aol.com",
        "fastmail.com",
        "tutanota.com",
        "hey.com",
    }
)


def of(email: str) -> str:
    """The domain of an address, in small letters; empty when there is none."""
    local, _at, domain = email.strip().lower().rpartition("@")
    return domain if local else ""


def get(*, domain_id: Any) -> EmailDomain:
    """One domain. Raises `NotFound`."""
    found = EmailDomain.objects.filter(pk=domain_id).first()
    if found is None:
        raise NotFound
    return found


def record_of(domain: EmailDomain) -> tuple[str, str]:
    """Name and text of the TXT record that proves a domain."""
    return f"{RECORD}.{domain.name}", f"{PREFIX}{domain.token}"


@transaction.atomic
def add(*, name: str, by: Any, now: datetime) -> EmailDomain:
    """Note a domain; it is worth nothing until it is proved. Raises `DomainMalformed`, `DomainOfEverybody`, `DomainTaken`."""
    name = _checked(name)
    if EmailDomain.objects.filter(name=name).exists():
        raise DomainTaken(field="name")
    domain = EmailDomain.objects.create(name=name, token=secrets.token_hex(16))
    audit.record("accounts.email_domain_added", by=by, on=domain, now=now)
    return domain


def prove(*, domain_id: Any, by: Any, now: datetime) -> EmailDomain:
    """Look for the record. Raises `DomainNotProved`; the domain notes that somebody looked."""
    domain = get(domain_id=domain_id)
    if domain.is_verified:
        return domain
    name, text = record_of(domain)
    found = text in dns.texts(name)
    with transaction.atomic():
        EmailDomain.objects.filter(pk=domain.pk).update(checked_at=now, updated_at=now)
        if found:
            _settle(domain, proof=DomainProof.DNS, by=by, now=now)
    if not found:
        raise DomainNotProved
    domain.refresh_from_db()
    return domain


@transaction.atomic
def vouch(*, name: str, by: Any, now: datetime) -> EmailDomain:
    """The reseller, who knows its customer, says that the domain is theirs. The caller made sure that it is the reseller."""
    name = _checked(name)
    domain, _created = EmailDomain.objects.get_or_create(name=name, defaults={"token": secrets.token_hex(16)})
    if not domain.is_verified:
        _settle(domain, proof=DomainProof.RESELLER, by=by, now=now)
        domain.refresh_from_db()
    return domain


@transaction.atomic
def remove(*, domain_id: Any, by: Any, now: datetime) -> None:
    """Forget a domain. Raises `DomainInUse` while an identity provider lets its people in."""
    domain = get(domain_id=domain_id)
    using = domain.identity_providers.order_by("created_at", "pk").first()
    if using is not None:
        raise DomainInUse(provider=using.name)
    audit.record("accounts.email_domain_removed", by=by, on=domain, now=now)
    domain.delete()


def _settle(domain: EmailDomain, *, proof: DomainProof, by: Any, now: datetime) -> None:
    changed = EmailDomain.objects.filter(pk=domain.pk, verified_at=None).update(
        verified_at=now, proof=proof, updated_at=now
    )
    if changed:
        audit.record("accounts.email_domain_proved", by=by, on=domain, detail={"proof": proof.value}, now=now)


def _checked(name: str) -> str:
    wanted = hosts.normalise(name.strip().lower().removeprefix("@"))
    if wanted is None or "." not in wanted or wanted.rsplit(".", 1)[1].isdigit() or len(wanted) > 253:
        raise DomainMalformed(field="name")
    if wanted in EVERYBODYS:
        raise DomainOfEverybody(field="name", domain=wanted)
    return wanted

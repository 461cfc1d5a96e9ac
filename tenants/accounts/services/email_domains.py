"""E-mail domains that are the tenant's own, proved by a DNS record or vouched for by its reseller.

Whoever controls a domain's identity provider speaks for every address in it, so nothing is linked or made before the
tenant has shown that the domain is its own.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from ops.kernel import dns
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound
from tenants.accounts.enums import DomainProof
from tenants.accounts.errors import DomainInUse, DomainMalformed, DomainNotProved, DomainOfEverybody, DomainTaken
from tenants.accounts.models import EmailDomain
from tenants.queries import hosts

# A proof that is gone may be a mistake in the DNS: first it is said, then there is time to mend it.
SAID_AFTER = timedelta(days=2)
GRACE = timedelta(days=7)
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
    alerts.resolve(key=_alert_key(domain), by=by, now=now)
    audit.record("accounts.email_domain_removed", by=by, on=domain, now=now)
    domain.delete()


def check_all(*, now: datetime) -> int:
    """Look for the record of every domain proved by one; says how many were looked at.

    Nobody's login stops because a name server is silent. A record that is gone for two days raises an alert; after seven
    the domain is no longer believed, so that whoever bought it meanwhile cannot come in.
    """
    looked = 0
    for domain in EmailDomain.objects.filter(proof=DomainProof.DNS, verified_at__isnull=False).order_by("pk"):
        name, text = record_of(domain)
        try:
            found = text in dns.texts(name)
        except dns.NameServerSilent:
            continue
        _judge(domain, found=found, now=now)
        looked += 1
    return looked


@transaction.atomic
def _judge(domain: EmailDomain, *, found: bool, now: datetime) -> None:
    proved = EmailDomain.objects.select_for_update().filter(proof=DomainProof.DNS, verified_at__isnull=False)
    row = proved.filter(pk=domain.pk).first()
    if row is None:
        return  # removed while we looked
    row.checked_at = now
    since = row.failing_since or now
    row.failing_since = None if found else since
    if found:
        alerts.resolve(key=_alert_key(row), now=now)
    elif now - since >= GRACE:
        row.verified_at, row.proof, row.failing_since = None, "", None
        audit.record("accounts.email_domain_lost", by="domains", on=row, now=now)
        _alarm(row, Severity.CRITICAL, now=now)
    elif now - since >= SAID_AFTER:
        _alarm(row, Severity.ERROR, now=now)
    row.save()


def _alarm(domain: EmailDomain, severity: Severity, *, now: datetime) -> None:
    with translation.override(connection.tenant.language):
        if severity == Severity.CRITICAL:
            title = _("%(domain)s is no longer believed: its proof is gone from the DNS.") % {"domain": domain.name}
            body = _("Nobody of it comes in by single sign-on, and passwords work again, until it is proved again.")
        else:
            title = _("The proof of %(domain)s is gone from the DNS.") % {"domain": domain.name}
            body = _("Put its TXT record back within days, or single sign-on ends for its people.")
        alerts.raise_alert(
            "accounts.email_domain_lost", severity=severity, key=_alert_key(domain), title=title, body=body, now=now
        )


def _alert_key(domain: EmailDomain) -> str:
    return f"email-domain:{domain.pk}"


def _settle(domain: EmailDomain, *, proof: DomainProof, by: Any, now: datetime) -> None:
    changed = EmailDomain.objects.filter(pk=domain.pk, verified_at=None).update(
        verified_at=now, proof=proof, failing_since=None, updated_at=now
    )
    if changed:
        alerts.resolve(key=_alert_key(domain), by=by, now=now)
        audit.record("accounts.email_domain_proved", by=by, on=domain, detail={"proof": proof.value}, now=now)


def _checked(name: str) -> str:
    wanted = hosts.normalise(name.strip().lower().removeprefix("@"))
    if wanted is None or "." not in wanted or wanted.rsplit(".", 1)[1].isdigit() or len(wanted) > 253:
        raise DomainMalformed(field="name")
    if wanted in EVERYBODYS:
        raise DomainOfEverybody(field="name", domain=wanted)
    return wanted

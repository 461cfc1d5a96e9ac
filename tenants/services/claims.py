"""Hosts of somebody's own: claimed, proven in the DNS, watched, and let go.

Anybody may claim any host; a claim routes nothing. Whoever writes the claim's word into the host's DNS is its owner:
only then a `Domain` is made, and that answers. From then on the proof is read again a few times a day. One check that
fails means nothing; `FAILS` in a row are told to the owner, and pages and letters go back to an address that works;
after `GRACE` the host is taken out. A DNS server that does not answer counts neither way.
"""

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import dns, http, ratelimit
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.errors import PermanentFailure, RateLimited, TemporaryFailure
from ops.kernel.tasks import enqueue
from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, ClaimState, TenantStatus
from tenants.models import Domain, DomainClaim, Reseller, Tenant
from tenants.queries import hosts, records
from tenants.services import certificates, domains, naming

log = logging.getLogger(__name__)

MOST = 20
CHECKS_A_MINUTE = 20
FAILS = 3
GRACE = timedelta(days=3)
# How often somebody is looked at: new claims eagerly, then ever less; what stands a few times a day.
EAGER, EAGER_FOR = timedelta(minutes=5), timedelta(hours=6)
PATIENT, PATIENT_FOR = timedelta(hours=1), timedelta(days=14)
STEADY = timedelta(hours=6)
DOUBT = timedelta(minutes=15)
# Where a proven host is visited when its DNS leads elsewhere.
PROBE, PROBE_S, PROBE_PUBLIC_ONLY = "https://%s", 5, True
# A check holds a claim so long; when its process dies another one may look after that.
HELD = timedelta(minutes=2)


def claim(*, tenant: Tenant, host: str, now: datetime, reseller: Reseller | None = None, by: Any = None) -> DomainClaim:
    """Say that a host is yours, for a tenant or, with `reseller`, for the console (then `tenant` is the platform's row).

    Raises `HostMalformed`, `HostReserved`, `HostIsSuffix`, `HostNotPublic`, `HostTaken` when it is proven elsewhere,
    `HostClaimed`, `TooManyHosts`.
    """
    name = domains.checked_host(host)
    if records.is_private(name):
        raise errors.HostNotPublic(field="host", host=name)
    if not records.registered(name):
        raise errors.HostIsSuffix(field="host", host=name)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        naming.lock(f"claims of {tenant.pk} {reseller.pk if reseller else ''}")
        mine = DomainClaim.objects.of(tenant, reseller)
        if mine.filter(host=name).exists():
            raise errors.HostClaimed(field="host", host=name)
        if Domain.objects.filter(domain=name).exists():
            raise errors.HostTaken(field="host", host=name)
        if mine.count() >= MOST:
            raise errors.TooManyHosts(field="host", limit=MOST)
        made = DomainClaim.objects.create(
            tenant=tenant, reseller=reseller, host=name, token=secrets.token_hex(16), next_check_at=now + EAGER
        )
        _record(made, "tenants.domain_claimed", by=by, now=now)
    return made


def find(*, tenant: Tenant, claim_id: Any, reseller: Reseller | None = None) -> DomainClaim:
    """One claim of this owner. Raises `UnknownHost`, also for somebody else's."""
    with schema_context(PUBLIC_SCHEMA):
        rows = DomainClaim.objects.of(tenant, reseller).select_related("tenant__reseller", "reseller", "domain")
        found = rows.filter(pk=claim_id).first()
    if found is None:
        raise errors.UnknownHost
    return found


def check(*, claim: DomainClaim, now: datetime, by: Any = None) -> DomainClaim:
    """Ask the DNS now and draw the consequences. Takes seconds at most; not to be called inside a transaction."""
    seen = look(claim)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        naming.lock(claim.host)
        rows = DomainClaim.objects.select_related("tenant__reseller", "reseller", "domain")
        row = rows.select_for_update(of=("self",)).filter(pk=claim.pk).first()
        if row is None:
            raise errors.UnknownHost
        # Somebody proved it and it led here once: from then on leading elsewhere is a failure.
        seen["pointed"] = bool(row.found.get("pointed") and row.domain_id) or seen["points"] is True
        row.found, row.checked_at = seen, now
        if row.domain_id is None:
            _judge_new(row, seen, by=by, now=now)
        else:
            _judge_standing(row, seen, by=by, now=now)
        row.save()
    return row


def check_now(*, claim: DomainClaim, now: datetime, by: Any = None) -> DomainClaim:
    """`check` because a person asked; the certificate is looked at afterwards, in the background. Raises `RateLimited` for somebody who presses the button all the time."""
    rate = ratelimit.hit(f"domain-check:{claim.tenant_id}:{claim.reseller_id}", limit=CHECKS_A_MINUTE, window_s=60)
    if not rate.allowed:
        raise RateLimited(retry_after=rate.reset_s)
    row = check(claim=claim, now=now, by=by)
    if row.domain_id and row.found.get("points"):
        enqueue("tenants.check_certificate", claim_id=str(row.pk))
    return row


def look(claim: DomainClaim) -> dict[str, Any]:
    """What the DNS says: `proof` and `points` are true, false, or nothing when it could not be found out."""
    seen: dict[str, Any] = {"proof": None, "points": None, "texts": [], "leads_to": [], "trouble": ""}
    try:
        texts = dns.texts(records.proof_name(claim.host))
        seen["texts"] = [text[:120] for text in texts[:5]]
        seen["proof"] = records.proof_value(claim) in (text.strip() for text in texts)
        way = dns.way(claim.host)
        seen["leads_to"] = [*way.names, *sorted(way.addresses)][:10]
        seen["points"] = _leads_here(claim, way) or (claim.domain_id is not None and _answers_here(claim))
    except dns.NameServerSilent as failure:
        seen["trouble"] = str(failure.words)[:300]
    return seen


def _leads_here(claim: DomainClaim, way: dns.Way) -> bool:
    ours = {settings.EDGE_HOST, settings.PLATFORM_DOMAIN, records.target_of(claim)}
    if any(name in ours or name.endswith(f".{settings.PLATFORM_DOMAIN}") for name in way.names):
        return True
    if not way.addresses:
        return False
    # Panels that flatten a CNAME, and bare domains, show addresses only.
    here = set(settings.EDGE_ADDRESSES) or dns.way(settings.EDGE_HOST).addresses
    return bool(way.addresses & here)


def _answers_here(claim: DomainClaim) -> bool:
    """Whether a visit arrives here although the DNS shows other addresses: there is a proxy of the owner's in between."""
    try:
        with http.client(PROBE % claim.host, timeout=PROBE_S, attempts=1, public_only=PROBE_PUBLIC_ONLY) as client:
            answer = client.get(hosts.PROBE_PATH)
    except (PermanentFailure, TemporaryFailure):
        return False
    return constant_time_compare(answer.text[:200].strip(), hosts.probe_word(claim.host))


def _judge_new(row: DomainClaim, seen: dict[str, Any], *, by: Any, now: datetime) -> None:
    if seen["proof"]:
        if Domain.objects.filter(domain=row.host).exists():
            # Two proved it; the first one has it until its own proof is gone.
            seen["taken"] = True
        else:
            row.domain = Domain.objects.create(
                tenant=row.tenant, reseller=row.reseller, domain=row.host, is_primary=False
            )
            row.state, row.verified_at = ClaimState.VERIFIED, now
            row.failures, row.failing_since, row.next_check_at = 0, None, now + (STEADY if seen["points"] else DOUBT)
            _record(row, "tenants.domain_verified", by=by, now=now)
            _quiet(row, by=by, now=now)
            hosts.forget()
            return
    age = now - row.created_at
    row.next_check_at = now + EAGER if age < EAGER_FOR else now + PATIENT if age < PATIENT_FOR else None


def _judge_standing(row: DomainClaim, seen: dict[str, Any], *, by: Any, now: datetime) -> None:
    is_bad = seen["proof"] is False or (seen["points"] is False and seen["pointed"])
    if is_bad:
        row.failures += 1
        row.failing_since = row.failing_since or now
        row.next_check_at = now + DOUBT
        if now - row.failing_since >= GRACE and row.failures > FAILS:
            _lose(row, by=by, now=now)
        elif row.failures >= FAILS and row.state == ClaimState.VERIFIED:
            _begin_failing(row, by=by, now=now)
        return
    if seen["proof"] is None or (seen["points"] is None and seen["pointed"]):
        row.next_check_at = now + DOUBT
        return
    if row.state == ClaimState.FAILING:
        _record(row, "tenants.domain_recovered", by=by, now=now)
        row.state = ClaimState.VERIFIED
        if row.was_primary and row.domain is not None:
            row.was_primary = False
            row.domain.is_primary = True
            row.domain.save()
        _quiet(row, by=by, now=now)
        hosts.forget()
    row.failures, row.failing_since = 0, None
    # Not leading here yet is no failure, but the owner is at it.
    row.next_check_at = now + (STEADY if seen["points"] else PATIENT)


def _begin_failing(row: DomainClaim, *, by: Any, now: datetime) -> None:
    row.state = ClaimState.FAILING
    row.was_primary = _step_back(row.domain)
    _record(row, "tenants.domain_failing", by=by, now=now)
    _alarm(row, Severity.ERROR, now=now)
    hosts.forget()


def _lose(row: DomainClaim, *, by: Any, now: datetime) -> None:
    domain, row.domain = row.domain, None
    if domain is not None:
        _step_back(domain)
        domain.delete()
    row.state, row.was_primary, row.next_check_at = ClaimState.LOST, False, None
    certificates.forget(claim=row, now=now)
    _record(row, "tenants.domain_lost", by=by, now=now)
    _alarm(row, Severity.CRITICAL, now=now)
    hosts.forget()


def _step_back(domain: Domain | None) -> bool:
    """Hand the main place to the address below the platform; says whether it was held."""
    if domain is None or not domain.is_primary:
        return False
    others = Domain.objects.filter(tenant=domain.tenant, reseller=domain.reseller).exclude(pk=domain.pk)
    below = Q(domain__endswith=f".{settings.PLATFORM_DOMAIN}")
    heir = others.filter(below).order_by("created_at", "pk").first() or others.order_by("created_at", "pk").first()
    if heir is None:
        return False
    heir.is_primary = True
    heir.save()
    domain.is_primary = False
    return True


def release(*, claim: DomainClaim, by: Any = None, now: datetime) -> None:
    """Let a host go: it stops answering at once. Raises `LastHost`."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = DomainClaim.objects.select_for_update(of=("self",)).select_related("tenant", "domain").get(pk=claim.pk)
        if row.domain is not None:
            domains.remove(domain=row.domain, by=by, now=now)  # the claim goes with it
        else:
            row.delete()
            _record(row, "tenants.domain_released", by=by, now=now)
        _quiet(row, by=by, now=now)
        certificates.forget(claim=row, now=now)


def make_primary(*, claim: DomainClaim, redirect: bool = True, by: Any = None, now: datetime) -> Domain:
    """Links and letters use this host from now on and, with `redirect`, pages asked for at the others lead to it.

    Raises `HostNotReady` unless it is proven and leads here.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = DomainClaim.objects.select_for_update(of=("self",)).select_related("tenant", "domain").get(pk=claim.pk)
        if row.domain is None or row.state != ClaimState.VERIFIED or not row.found.get("points"):
            raise errors.HostNotReady(host=row.host)
        return domains.make_primary(domain=row.domain, redirect=redirect, by=by, now=now)


def use_given(*, tenant: Tenant, reseller: Reseller | None = None, by: Any = None, now: datetime) -> str:
    """Make the address below the platform the main one again; gives its host. Raises `UnknownHost` without one."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        rows = Domain.objects.filter(tenant=tenant, reseller=reseller, claim=None, redirects_until=None)
        row = rows.select_for_update(of=("self",)).order_by("created_at", "pk").first()
        if row is None:
            raise errors.UnknownHost
        domains.make_primary(domain=row, redirect=False, by=by, now=now)
    return row.domain


def take_due(*, now: datetime, limit: int = 50) -> list[DomainClaim]:
    """The claims that should be looked at now, each held for a moment so that two workers do not look at one."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        living = DomainClaim.objects.filter(next_check_at__lte=now).exclude(
            tenant__status__in=(TenantStatus.ARCHIVED, TenantStatus.DELETED)
        )
        rows = list(living.order_by("next_check_at", "pk").select_for_update(skip_locked=True, of=("self",))[:limit])
        DomainClaim.objects.filter(pk__in=[row.pk for row in rows]).update(next_check_at=now + HELD)
        keys = [row.pk for row in rows]
        return list(DomainClaim.objects.filter(pk__in=keys).select_related("tenant__reseller", "reseller", "domain"))


def check_due(*, now: datetime) -> dict[str, int]:
    """Look at everything that is due; says how many stand in which state afterwards. One that fails stops no other."""
    found: dict[str, int] = {}
    for row in take_due(now=now):
        try:
            state = check(claim=row, now=now, by="domains").state
        except errors.UnknownHost:
            continue  # let go while we looked
        except Exception:
            log.exception("The check of %s failed; the next run tries again", row.host)
            continue
        found[state] = found.get(state, 0) + 1
    return found


def _record(row: DomainClaim, action: str, *, by: Any, now: datetime) -> None:
    domains.record(action, tenant=row.tenant, reseller=row.reseller, host=row.host, by=by, now=now)


def _alarm(row: DomainClaim, severity: Severity, *, now: datetime) -> None:
    if not domains.has_tables(row.tenant):
        return
    with tenant_context(row.tenant), translation.override(row.tenant.language):
        if severity == Severity.CRITICAL:
            title = _("%(host)s was taken out: its DNS no longer leads here.") % {"host": row.host}
            body = _("Enter its records again and check it on the settings page to get it back.")
        else:
            title = _("The DNS of %(host)s no longer leads here.") % {"host": row.host}
            body = _("Links use your other address for now. Mend the records within three days, or it is taken out.")
        alerts.raise_alert("domains.lost", severity=severity, key=f"domain:{row.host}", title=title, body=body, now=now)


def _quiet(row: DomainClaim, *, by: Any, now: datetime) -> None:
    if domains.has_tables(row.tenant):
        with tenant_context(row.tenant):
            alerts.resolve(key=f"domain:{row.host}", by=by, now=now)

"""The certificates of customers' own domains: looked at from outside, and told before they run out.

The edge gets and renews them; when that stops (a CAA record, a proxy of the owner's, an authority that refuses), visitors
would be the first to see it. A host that does not answer once means nothing here: whether it leads here at all is asked
by `claims`.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import tls
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.http import AddressRefused, ServiceUnavailable
from tenants.enums import PUBLIC_SCHEMA, TenantStatus, TlsProblem
from tenants.models import DomainClaim
from tenants.services import domains

log = logging.getLogger(__name__)

PORT, PUBLIC_ONLY = 443, True
ROOTS: str | None = None
EVERY, DOUBT = timedelta(hours=12), timedelta(hours=1)
# Days before the end at which people are told, with the share of its life a short-lived one has left by then.
WARN = ((3, 0.1), (14, 1 / 3))
BROKEN = 0


def check(*, claim: DomainClaim, now: datetime) -> DomainClaim:
    """Look at a host's certificate now, and tell its owner when it ends soon or browsers refuse it.

    Takes seconds at most; not to be called inside a transaction.
    """
    seen = _look(claim)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        rows = DomainClaim.objects.select_related("tenant__reseller", "reseller", "domain")
        row = rows.select_for_update(of=("self",)).filter(pk=claim.pk).first()
        if row is None or row.domain_id is None:
            return claim
        row.tls_checked_at = now
        if isinstance(seen, tls.Certificate):
            row.tls_until, row.tls_issuer, row.tls_problem = seen.valid_until, seen.issuer, seen.refused
        else:
            # What was seen before stands, and its end comes nearer.
            row.tls_problem = seen
        level = _level(row, seen, now)
        if level != row.tls_warned:
            _tell(row, level, now=now)
            row.tls_warned = level
        row.save(update_fields=[name.name for name in row._meta.fields if name.name.startswith("tls_")])
    return row


def take_due(*, now: datetime, limit: int = 50) -> list[DomainClaim]:
    """The hosts that lead here and were not looked at lately, marked so that two workers do not look at one."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        due = Q(tls_checked_at=None) | Q(tls_checked_at__lte=now - EVERY)
        due |= ~Q(tls_problem="") & Q(tls_checked_at__lte=now - DOUBT)
        rows = DomainClaim.objects.filter(
            due,
            domain__isnull=False,
            found__points=True,
            tenant__status__in=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED),
        )
        held = rows.order_by("tls_checked_at", "pk").select_for_update(skip_locked=True, of=("self",))
        keys = list(held.values_list("pk", flat=True)[:limit])
        DomainClaim.objects.filter(pk__in=keys).update(tls_checked_at=now)
        return list(DomainClaim.objects.filter(pk__in=keys).order_by("pk"))


def check_due(*, now: datetime) -> int:
    """Look at every certificate that is due; says how many. One that fails stops no other."""
    done = 0
    for row in take_due(now=now):
        try:
            check(claim=row, now=now)
            done += 1
        except Exception:
            log.exception("The certificate of %s could not be looked at; the next run tries again", row.host)
    return done


def check_one(*, claim_id: str, now: datetime) -> None:
    """Look at one, because somebody asked; nothing when the host was let go meanwhile."""
    with schema_context(PUBLIC_SCHEMA):
        row = DomainClaim.objects.filter(pk=claim_id, domain__isnull=False).first()
    if row is not None:
        check(claim=row, now=now)


def forget(*, claim: DomainClaim, now: datetime) -> None:
    """A host was let go or lost: nobody is warned about its certificate any more."""
    if claim.tls_warned is not None:
        _resolve(claim, now=now)
    claim.tls_checked_at = claim.tls_until = claim.tls_warned = None
    claim.tls_issuer = claim.tls_problem = ""


def _look(claim: DomainClaim) -> tls.Certificate | str:
    try:
        return tls.look(claim.host, port=PORT, public_only=PUBLIC_ONLY, roots=ROOTS)
    except (tls.HostSilent, AddressRefused, ServiceUnavailable) as failure:
        log.info("The certificate of %s was not seen: %s", claim.host, failure.words)
        return TlsProblem.SILENT


def _level(row: DomainClaim, seen: tls.Certificate | str, now: datetime) -> int | None:
    """How bad it is: `BROKEN`, the days of a warning, or nothing."""
    if isinstance(seen, tls.Certificate) and seen.refused:
        return BROKEN
    if row.tls_until is None:
        return None
    if row.tls_until <= now:
        return BROKEN
    left = row.tls_until - now
    life = seen.valid_until - seen.valid_from if isinstance(seen, tls.Certificate) else timedelta(days=90)
    return next((days for days, share in WARN if left <= min(timedelta(days=days), life * share)), None)


def _tell(row: DomainClaim, level: int | None, *, now: datetime) -> None:
    """Raise, worsen or resolve the alert; a better state than before is another alert."""
    if row.tls_warned is not None and (level is None or level > row.tls_warned):
        _resolve(row, now=now)
    if level is None or not domains.has_tables(row.tenant):
        return
    severity = {BROKEN: Severity.CRITICAL, 3: Severity.ERROR}.get(level, Severity.WARNING)
    with tenant_context(row.tenant), translation.override(row.tenant.language):
        if level == BROKEN:
            title = _("Browsers refuse the certificate of %(host)s.") % {"host": row.host}
        else:
            day = date_format(localtime(row.tls_until), "DATE_FORMAT") if row.tls_until else ""
            title = _("The certificate of %(host)s ends on %(day)s.") % {"host": row.host, "day": day}
        body = _(
            "It should have been renewed by itself. Look whether a CAA record of the domain forbids it, or whether a proxy"
            " of yours in between keeps a certificate of its own."
        )
        key = _key(row)
        alerts.raise_alert("domains.certificate", severity=severity, key=key, title=title, body=body, now=now)


def _resolve(row: DomainClaim, *, now: datetime) -> None:
    if domains.has_tables(row.tenant):
        with tenant_context(row.tenant):
            alerts.resolve(key=_key(row), by="certificates", now=now)


def _key(row: DomainClaim) -> str:
    return f"certificate:{row.host}"

"""Another name or another address for a customer; and an own domain that goes to another customer of the same house.

The schema's name never changes. The address of before leads pages on for a while and is nobody else's meanwhile; what
programs and the chat on websites ask for is still answered there.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django_tenants.utils import schema_context

from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, TenantStatus
from tenants.models import Domain, DomainClaim, Tenant
from tenants.queries import hosts
from tenants.services import claims, domains, naming
from tenants.services.ledgers import record_both

KEPT = timedelta(days=90)
# Each one is kept from everybody else.
MOST_FORMER = 3
AT_WORK = (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)


def rename(
    *, tenant: Tenant, name: str = "", slug: str = "", by: Any = None, now: datetime, kept: timedelta = KEPT
) -> Tenant:
    """Give a customer another name, another address, or both; what is left out stays. The same again changes nothing.

    Raises `SlugMalformed`, `SlugReserved`, `SlugTaken`, `TooManyAddresses`, `Invalid` for a name, `WrongState`.
    """
    wanted = naming.checked_slug(slug) if slug else ""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        if wanted:
            naming.lock(wanted)
        row = _at_work(tenant)
        before = {"name": row.name, "slug": row.slug}
        row.name = " ".join(name.split()) or row.name
        naming.check_words(row)
        if wanted and wanted != row.slug:
            _move_address(row, wanted, now=now, kept=kept)
        changed = {key: [value, getattr(row, key)] for key, value in before.items() if getattr(row, key) != value}
        if changed:
            row.save(update_fields=["name", "slug", "updated_at"])
            record_both("tenants.tenant_renamed", tenant=row, by=by, detail={"changed": changed}, now=now)
            hosts.forget()
    tenant.name, tenant.slug = row.name, row.slug
    return tenant


def former(tenant: Tenant) -> list[Domain]:
    """Addresses of before that still lead here, the one that stays longest first."""
    with schema_context(PUBLIC_SCHEMA):
        return list(Domain.objects.filter(tenant=tenant, redirects_until__isnull=False).order_by("-redirects_until"))


def release_due(*, now: datetime) -> int:
    """Give back the addresses whose time is over; anybody may have them then. Counts them."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        rows = list(
            Domain.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .filter(redirects_until__lte=now)
            .order_by("pk")
        )
        for row in rows:
            record_both(
                "tenants.address_released", tenant=row.tenant, by="release", detail={"host": row.domain}, now=now
            )
            row.delete()
        if rows:
            hosts.forget()
    return len(rows)


def move_domain(*, host: str, source: Tenant, target: Tenant, by: Any = None, now: datetime) -> Domain:
    """Let an own domain, with its proof, answer for another customer of the same reseller, from one moment to the next.

    Raises `UnknownHost`, `HostNotMovable`, `NotTheSameReseller`, `TooManyHosts`, `WrongState`.
    """
    name = domains.checked_host(host)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        naming.lock(name)
        rows = {row.pk: row for row in (_at_work(one) for one in sorted((source, target), key=lambda one: one.pk))}
        source, target = rows[source.pk], rows[target.pk]
        if source.reseller_id != target.reseller_id:
            raise errors.NotTheSameReseller()
        row = Domain.objects.select_for_update(of=("self",)).filter(domain=name, tenant=source, reseller=None).first()
        if row is None or source.pk == target.pk:
            raise errors.UnknownHost()
        if row.redirects_until is not None:
            raise errors.HostNotMovable(field="host", host=name)
        # The target may have asked for it in vain; the proof that comes along is the better one.
        DomainClaim.objects.of(target).filter(host=name).delete()
        if DomainClaim.objects.of(target).count() >= claims.MOST:
            raise errors.TooManyHosts(limit=claims.MOST)
        DomainClaim.objects.filter(domain=row).update(tenant=target, was_primary=False, updated_at=now)
        was_primary = row.is_primary
        row.tenant, row.is_primary, row.redirects_others = target, False, False
        row.save()
        if was_primary:
            main = Domain.objects.filter(tenant=source, reseller=None, redirects_until=None).order_by("pk").first()
            if main is None:
                raise errors.LastHost()
            main.is_primary = True
            main.save()
        for one, other, way in ((source, target, "to"), (target, source, "from")):
            detail = {"host": name, way: other.name}
            record_both("tenants.domain_moved", tenant=one, by=by, detail=detail, now=now)
        hosts.forget()
    return row


def _at_work(tenant: Tenant) -> Tenant:
    row = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
    if row.is_public or row.status not in AT_WORK:
        raise errors.WrongState(state=row.get_status_display())
    return row


def _move_address(row: Tenant, slug: str, *, now: datetime, kept: timedelta) -> None:
    old, new = (domains.host_below_platform(one) for one in (row.slug, slug))
    mine = Domain.objects.filter(tenant=row, reseller=None)
    again = mine.filter(domain=new, redirects_until__isnull=False).first()
    if again is None:
        naming.require_free(slug)
    if mine.filter(redirects_until__isnull=False).exclude(domain=new).count() >= MOST_FORMER:
        raise errors.TooManyAddresses(limit=MOST_FORMER)
    before = mine.filter(domain=old).first()
    made = again or Domain(tenant=row, domain=new)
    made.redirects_until = None
    made.is_primary = before is None or before.is_primary
    made.save()
    if before is not None:
        before.is_primary, before.redirects_others, before.redirects_until = False, False, now + kept
        before.save()
    row.slug = slug

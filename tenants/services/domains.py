"""Hosts of tenants and resellers."""

import ipaddress
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit import services as audit
from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, PUBLIC_SLUG, TenantStatus
from tenants.models import Domain, DomainClaim, Reseller, Tenant
from tenants.queries import hosts
from tenants.services import naming


def host_below_platform(slug: str) -> str:
    """The host everyone gets: `<slug>.<platform domain>`."""
    return f"{slug}.{settings.PLATFORM_DOMAIN}"


def address_at(host: str, path: str = "") -> str:
    """Absolute address of a page on a host of ours."""
    return f"{settings.SITE_SCHEME}://{host}{settings.SITE_PORT_SUFFIX}{path}"


def url_of(tenant: Tenant, path: str = "/") -> str:
    """Absolute address of a page of a tenant, on its main host."""
    return address_at(host_of(tenant), path)


def url_of_reseller(reseller: Reseller, path: str = "/") -> str:
    """Absolute address of a page of a reseller's console."""
    return address_at(host_of_reseller(reseller), path)


def host_of_reseller(reseller: Reseller) -> str:
    """The main host of a reseller's console."""
    with schema_context(PUBLIC_SCHEMA):
        row = Domain.objects.filter(reseller=reseller).order_by("-is_primary", "created_at", "pk").first()
    return row.domain if row else host_below_platform(reseller.slug)


def host_of(tenant: Tenant) -> str:
    """The main host of a tenant. With a single tenant that is the platform's own."""
    if tenant.is_public or settings.SINGLE_TENANT:
        return settings.PLATFORM_DOMAIN
    with schema_context(PUBLIC_SCHEMA):
        row = Domain.objects.filter(tenant=tenant).order_by("-is_primary", "created_at", "pk").first()
    return row.domain if row else host_below_platform(tenant.slug)


def checked_host(text: str) -> str:
    """A host of somebody's own domain, normalised. Raises `HostMalformed` or `HostReserved`."""
    host = hosts.normalise(text)
    if host is None or "." not in host or _is_address(host) or host.rsplit(".", 1)[1].isdigit():
        raise errors.HostMalformed(field="host", host=text[:100])
    if host == settings.PLATFORM_DOMAIN or host.endswith(f".{settings.PLATFORM_DOMAIN}"):
        raise errors.HostReserved(field="host", host=host)
    return host


def add(
    *, tenant: Tenant, host: str, make_primary: bool = False, by: Any = None, now: datetime | None = None
) -> Domain:
    """Let a host answer for a tenant, unproven: for operators, who vouch for it. Customers go through `claims`."""
    name = checked_host(host)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        naming.lock(name)
        if Domain.objects.filter(domain=name).exists():
            raise errors.HostTaken(field="host", host=name)
        row = Domain.objects.create(tenant=tenant, domain=name, is_primary=make_primary)
        record("tenants.domain_added", tenant=tenant, host=name, by=by, now=now)
        hosts.forget()
    return row


def remove(*, domain: Domain, by: Any = None, now: datetime | None = None) -> None:
    """A host stops answering, and the claim it rested on goes with it. The last one of a tenant stays."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        siblings = list(
            Domain.objects.filter(tenant=domain.tenant, reseller=domain.reseller)
            .order_by("pk")
            .select_for_update(of=("self",))
        )
        others = [row for row in siblings if row.pk != domain.pk and row.redirects_until is None]
        if not others:
            raise errors.LastHost()
        record(
            "tenants.domain_removed",
            tenant=domain.tenant,
            reseller=domain.reseller,
            host=domain.domain,
            by=by,
            now=now,
        )
        DomainClaim.objects.filter(domain=domain).delete()
        domain.delete()
        if domain.is_primary:
            others[0].is_primary = True
            others[0].save()
        hosts.forget()


def make_primary(
    *, domain: Domain, redirect: bool | None = None, by: Any = None, now: datetime | None = None
) -> Domain:
    """Links in mails and the widget's snippet use this host from now on; with `redirect` pages at the others lead to it."""
    if domain.redirects_until is not None:
        raise errors.HostNotReady(host=domain.domain)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        domain.is_primary = True
        if redirect is not None:
            domain.redirects_others = redirect
        domain.save()
        record(
            "tenants.domain_made_primary",
            tenant=domain.tenant,
            reseller=domain.reseller,
            host=domain.domain,
            by=by,
            now=now,
        )
        hosts.forget()
    return domain


def record(
    action: str,
    *,
    tenant: Tenant,
    host: str,
    reseller: Reseller | None = None,
    by: Any = None,
    now: datetime | None = None,
) -> None:
    """Tell the platform's log, which consoles read, and the customer's own."""
    with schema_context(PUBLIC_SCHEMA):
        audit.record(action, by=by, on=reseller or tenant, detail={"host": host}, now=now)
    if not tenant.is_public and has_tables(tenant):
        with tenant_context(tenant):
            audit.record(action, by=by, on=tenant, detail={"host": host}, now=now)


def has_tables(tenant: Tenant) -> bool:
    """Whether the tenant's own schema can be written to: not while it is prepared, nor after it was deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f'"{tenant.schema_name}".audit_auditentry'])
        return bool(cursor.fetchone()[0])


def open_console(*, reseller: Reseller, host: str = "") -> Domain:
    """The host of a reseller's console: its own, or `<slug>.<platform domain>`."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        platform = ensure_platform()
        name = checked_host(host) if host else host_below_platform(reseller.slug)
        naming.lock(name)
        row = Domain.objects.filter(domain=name).first()
        if row is not None and row.reseller_id != reseller.pk:
            raise errors.HostTaken(field="host", host=name)
        if row is None:
            row = Domain.objects.create(tenant=platform, reseller=reseller, domain=name, is_primary=False)
        hosts.forget()
    return row


def ensure_platform() -> Tenant:
    """The platform's own row and host; `manage.py migrate` calls it after every run.

    An older PLATFORM_DOMAIN keeps answering until its host is removed.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        platform, _ = Tenant.objects.get_or_create(
            schema_name=PUBLIC_SCHEMA,
            defaults={
                "slug": PUBLIC_SLUG,
                "name": settings.PLATFORM_NAME,
                "status": TenantStatus.ACTIVE,
                "language": settings.LANGUAGE_CODE,
                "time_zone": settings.TIME_ZONE,
            },
        )
        row = Domain.objects.filter(domain=settings.PLATFORM_DOMAIN).first()
        if row is None:
            Domain.objects.create(tenant=platform, domain=settings.PLATFORM_DOMAIN, is_primary=True)
            hosts.forget()
    return platform


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Hosts of tenants and resellers."""

import ipaddress
from typing import Any

from django.conf import settings
from django.db import transaction
from django_tenants.utils import schema_context

from ops.kernel.audit import services as audit
from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, PUBLIC_SLUG, TenantStatus
from tenants.models import Domain, Reseller, Tenant
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


def add(*, tenant: Tenant, host: str, make_primary: bool = False, by: Any = None) -> Domain:
    """Let a host answer for a tenant. The caller is somebody who may say that it belongs to the customer."""
    name = checked_host(host)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        naming.lock(name)
        if Domain.objects.filter(domain=name).exists():
            raise errors.HostTaken(field="host", host=name)
        row = Domain.objects.create(tenant=tenant, domain=name, is_primary=make_primary)
        audit.record("tenants.domain_added", by=by, on=tenant, detail={"host": name})
        hosts.forget()
    return row


def remove(*, domain: Domain, by: Any = None) -> None:
    """A host stops answering. The last one of a tenant stays."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        siblings = list(
            Domain.objects.filter(tenant=domain.tenant, reseller=domain.reseller)
            .order_by("pk")
            .select_for_update(of=("self",))
        )
        others = [row for row in siblings if row.pk != domain.pk]
        if not others:
            raise errors.LastHost()
        audit.record("tenants.domain_removed", by=by, on=domain.tenant, detail={"host": domain.domain})
        domain.delete()
        if domain.is_primary:
            others[0].is_primary = True
            others[0].save()
        hosts.forget()


def make_primary(*, domain: Domain, by: Any = None) -> Domain:
    """Links in mails and the widget's snippet use this host from now on."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        domain.is_primary = True
        domain.save()
        audit.record("tenants.domain_made_primary", by=by, on=domain.tenant, detail={"host": domain.domain})
        hosts.forget()
    return domain


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

"""Letters in the brand of the site they speak for: subject, text and page from three templates of one name."""

from collections.abc import Sequence
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.utils import translation

from tenants import palette
from tenants.models import Domain, Reseller, Tenant
from tenants.queries import brands, hosts

# A file that goes with a letter: name, bytes, type.
File = tuple[str, bytes, str]


def write(
    template: str,
    *,
    to: str,
    context: dict[str, Any],
    language: str = "",
    host: str = "",
    reply_to: Sequence[str] = (),
    files: Sequence[File] = (),
) -> EmailMultiAlternatives:
    """The letter `emails/<template>` for an address, ready to be sent, with `brand`, `base_url` and `ink` in its context.

    `host` is where the person was (the tenant's main address by default), `language` the site's by default.
    """
    site, base = place(host)
    brand = brands.brand_for(site.tenant, site.reseller)
    filled = {
        "brand": brand,
        "ink": palette.ink_on(brand.primary),
        "base_url": base,
        "to": to,
        "logo_absolute_url": base + brand.logo_url if brand.logo_url else "",
        **context,
    }
    with translation.override(language or site.tenant.language or settings.LANGUAGE_CODE):
        message = EmailMultiAlternatives(
            subject=" ".join(render_to_string(f"emails/{template}.subject", filled).split()),
            body=render_to_string(f"emails/{template}.txt", filled).strip() + "\n",
            from_email=sender(brand.email_sender_name),
            to=[to],
            reply_to=list(reply_to),
            # Mail programs and lists must not answer a machine.
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(render_to_string(f"emails/{template}.html", filled), "text/html")
    for name, content, kind in files:
        message.attach(name, content, kind)
    return message


def sender(name: str) -> str:
    """The installation's address under the name of the brand."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((" ".join(name.split()), address))


def place(host: str = "") -> tuple[hosts.Site, str]:
    """The site a letter speaks for and the address its links begin with, always one of the current schema.

    That is where the person was, unless pages there lead to the main address.
    """
    known = hosts.normalise(host) if host else None
    site = hosts.site_of(known) if known else None
    if site is not None and site.tenant.schema_name == connection.schema_name:
        if site.leads_to:
            return site, f"{settings.SITE_SCHEME}://{site.leads_to}{settings.SITE_PORT_SUFFIX}"
        return site, f"{settings.SITE_SCHEME}://{host}"
    tenant = Tenant.objects.get(schema_name=connection.schema_name)
    reseller: Reseller | None = None
    domain = Domain.objects.filter(tenant=tenant, reseller=None).order_by("-is_primary", "pk").first()
    name = domain.domain if domain else settings.PLATFORM_DOMAIN
    return hosts.Site(tenant, reseller), f"{settings.SITE_SCHEME}://{name}{settings.SITE_PORT_SUFFIX}"

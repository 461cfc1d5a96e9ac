"""How a host looks: the tenant's brand, else its reseller's, else the platform's, field by field.

Kept in the process beside the hosts (`hosts` drops both when a tenant, a host or a brand changes).
"""

from dataclasses import dataclass, field
from hashlib import sha256

from django.conf import settings
from django.db.models import Q
from django_tenants.utils import schema_context

from tenants import palette
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Branding, Reseller, Tenant
from tenants.queries import hosts

PLATFORM_PRIMARY = "#0b6b5d"
PLATFORM_SECONDARY = "#3d4451"


@dataclass(frozen=True, slots=True)
class File:
    """A brand's file: whose folder it lies in, its name there, and its kind."""

    schema: str
    name: str

    @property
    def version(self) -> str:
        """Files are named after their content, so the name is the version."""
        return self.name.rsplit("/", 1)[-1].split(".")[0]


@dataclass(frozen=True, slots=True)
class Brand:
    """What a page shows of a brand."""

    display_name: str
    primary: str
    secondary: str
    custom_css: str = ""
    email_sender_name: str = ""
    logo: File | None = None
    favicon: File | None = None
    css: str = field(default="", repr=False)
    css_version: str = ""

    @property
    def css_url(self) -> str:
        """Address of the brand's stylesheet; it changes with its content."""
        return f"/brand.css?v={self.css_version}"

    @property
    def logo_url(self) -> str:
        """Address of the logo, or nothing."""
        return f"/brand/logo?v={self.logo.version}" if self.logo else ""

    @property
    def favicon_url(self) -> str:
        """Address of the favicon, or nothing."""
        return f"/brand/favicon.ico?v={self.favicon.version}" if self.favicon else ""


def brand_of(request: object) -> Brand:
    """The brand of the host a request came to; the platform's own where no tenant was found."""
    return brand_for(getattr(request, "tenant", None), getattr(request, "reseller", None))


def brand_for(tenant: Tenant | None, reseller: Reseller | None = None) -> Brand:
    """The brand of a tenant's pages, or of a reseller's console."""
    if tenant is not None and not tenant.is_public:
        reseller = tenant.reseller
        key = f"brand:tenant:{tenant.pk}:{tenant.name}"
    elif reseller is not None:
        tenant = None
        key = f"brand:reseller:{reseller.pk}"
    else:
        tenant, key = None, "brand:platform"
    return hosts.remembered(key, lambda: _resolve(tenant, reseller))


def _resolve(tenant: Tenant | None, reseller: Reseller | None) -> Brand:
    rows: list[Branding] = []
    if tenant is not None or reseller is not None:
        with schema_context(PUBLIC_SCHEMA):
            found = Branding.objects.filter(
                Q(tenant=tenant, tenant__isnull=False) | Q(reseller=reseller, reseller__isnull=False)
            )
            rows = sorted(found, key=lambda row: row.tenant_id is None)

    def first(name: str) -> str:
        return next((value for row in rows if (value := getattr(row, name))), "")

    def file(name: str) -> File | None:
        for row in rows:
            if stored := getattr(row, name):
                return File(tenant.schema_name if row.tenant_id and tenant else PUBLIC_SCHEMA, stored.name)
        return None

    own = rows[0].display_name if rows and (tenant is None or rows[0].tenant_id) else ""
    name = (
        own
        or (tenant.name if tenant else "")
        or first("display_name")
        or (reseller.name if reseller else settings.PLATFORM_NAME)
    )
    brand = Brand(
        display_name=name,
        primary=first("primary_color") or PLATFORM_PRIMARY,
        secondary=first("secondary_color") or PLATFORM_SECONDARY,
        custom_css=first("scoped_css"),
        email_sender_name=first("email_sender_name") or name,
        logo=file("logo"),
        favicon=file("favicon"),
    )
    css = palette.stylesheet(primary=brand.primary, secondary=brand.secondary, custom_css=brand.custom_css)
    return Brand(
        **{
            name: getattr(brand, name)
            for name in ("display_name", "primary", "secondary", "custom_css", "email_sender_name", "logo", "favicon")
        },
        css=css,
        css_version=sha256(css.encode()).hexdigest()[:16],
    )

"""Addresses and schema names: which are well formed, which are kept back, which are free."""

import hashlib
import re
import unicodedata
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db import connection
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants import errors
from tenants.enums import TenantStatus
from tenants.models import Domain, Reseller, Tenant

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]\Z")
MAX_SLUG = 40
CURRENCIES = {
    "BRL": _("Brazilian real (R$)"),
    "USD": _("US dollar (US$)"),
    "EUR": _("Euro (€)"),
    "GBP": _("Pound sterling (£)"),
    "ARS": _("Argentine peso"),
    "CLP": _("Chilean peso"),
    "COP": _("Colombian peso"),
    "MXN": _("Mexican peso"),
    "PYG": _("Guarani"),
    "UYU": _("Uruguayan peso"),
}

# Names that would look like the platform speaking, or that its machines use.
RESERVED = frozenset(
    """
    abuse account accounts admin administrator ajuda api app apps assets auth autoconfig autodiscover balcao billing blog
    broadcasthost cdn chat checkout cobranca conta contato dashboard data db demo dev developer developers dns docs
    email entrar erp faq files ftp git go help helpdesk home host hostmaster imap img imagens info ingress internal
    invoice invoices legal live load localdomain localhost login logout loja mail marketing media metrics monitor
    mx my news nfe no-reply noc noreply ns ns1 ns2 ns3 ns4 oauth ops pagamento pagamentos painel partner partners pay
    payment payments platform pop pop3 portal postmaster privacy production proxy public redis register relay reseller
    resellers revenda revendas root sales sandbox secure security server signup smtp sms soc socket ssl sso staff stage
    staging static statistics stats status store sub suporte support sysadmin system tenant tenants test teste teste1
    tls tokens undefined update updates upload uploads user users vpn web webhook webhooks webmail widget wpad ws www
    www1 www2 www3 zz-template
    """.split()  # noqa: SIM905
)


def checked_slug(text: str) -> str:
    """An address as asked for, in small letters. Raises `SlugMalformed` or `SlugReserved`."""
    slug = text.strip().lower()
    # `xn--` would let somebody spell another company's name with foreign letters.
    if not SLUG.fullmatch(slug) or slug.startswith("xn-"):
        raise errors.SlugMalformed(field="slug")
    if slug in RESERVED:
        raise errors.SlugReserved(field="slug", slug=slug)
    return slug


def slug_of(name: str) -> str:
    """The address a name suggests: “Café Central” → `cafe-central`; empty when nothing of it is usable."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"-+", "-", slugify(plain).replace("_", "-")).strip("-")[:MAX_SLUG].strip("-")
    return re.sub(r"^xn-", "x-", slug)


def free_slug(name: str) -> str:
    """An address nobody has, made from a name."""
    stem = slug_of(name)
    if len(stem) < 2 or stem in RESERVED:
        stem = f"{stem or 'cliente'}-{'1' if stem else hashlib.sha256(name.encode()).hexdigest()[:6]}"
    for number in range(1, 1000):
        slug = stem if number == 1 else f"{stem[: MAX_SLUG - len(str(number)) - 1].strip('-')}-{number}"
        if slug not in RESERVED and is_free(slug):
            return slug
    raise errors.SlugTaken(field="slug", slug=stem)


def is_free(slug: str) -> bool:
    """Whether no living tenant, no reseller and no host uses it."""
    return not (
        Tenant.objects.exclude(status=TenantStatus.DELETED).filter(slug=slug).exists()
        or Reseller.objects.filter(slug=slug).exists()
        or Domain.objects.filter(domain=f"{slug}.{settings.PLATFORM_DOMAIN}").exists()
    )


def require_free(slug: str) -> None:
    """Raises `SlugTaken`."""
    if not is_free(slug):
        raise errors.SlugTaken(field="slug", slug=slug)


def judge(*, name: str, slug: str) -> dict[str, str]:
    """What a form shows about an address while somebody types: the host it makes, and whether it is free."""
    wanted = slug.strip().lower()[: MAX_SLUG + 1] or slug_of(name[:200])
    if not wanted:
        return {"state": "empty", "slug": "", "host": "", "message": ""}
    host = f"{wanted}.{settings.PLATFORM_DOMAIN}"
    try:
        require_free(checked_slug(wanted))
    except errors.DomainError as error:
        state = "taken" if error.status == errors.Conflict.status else "invalid"
        return {"state": state, "slug": wanted, "host": host, "message": str(error)}
    return {"state": "free", "slug": wanted, "host": host, "message": gettext("%(host)s is free.") % {"host": host}}


def in_sentence(name: object) -> str:
    """A company's name where a sentence may end behind it: the dot of “… Ltda.” is the sentence's then."""
    return str(name).removesuffix(".")


def lock(slug: str) -> None:
    """One at a time for one name, until the transaction ends: tenants and resellers share the names of hosts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4711))", [slug])


def free_schema(slug: str) -> str:
    """A schema name that was never used: `t_<slug>`, with a number when an earlier tenant had it.

    Hyphens become underscores, so that the name needs no quotes anywhere; at most 46 of PostgreSQL's 63 bytes.
    """
    stem = "t_" + slug.replace("-", "_")
    taken = set(Tenant.objects.filter(schema_name__startswith=stem).values_list("schema_name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [stem])
        taken |= {row[0] for row in cursor.fetchall()}
    number = 1
    while (name := stem if number == 1 else f"{stem}_{number}") in taken:
        number += 1
    return name


def check_words(tenant: Tenant) -> None:
    """Language, time zone and currency are ones we know. Raises `Invalid` naming the field."""
    if not tenant.name or len(tenant.name) > 120 or "\x00" in tenant.name:
        raise errors.Invalid(field="name")
    if tenant.language not in dict(settings.LANGUAGES):
        raise errors.UnknownLanguage(field="language")
    if not known_zone(tenant.time_zone):
        raise errors.UnknownTimeZone(field="time_zone")
    if tenant.currency not in CURRENCIES:
        raise errors.UnknownCurrency(field="currency")


def known_zone(name: str) -> bool:
    """Whether the time zone database has it."""
    return name in time_zones()


_zones: list[str] = []


def time_zones() -> list[str]:
    """Names people can choose from: places, not offsets, Brazil's first."""
    if not _zones:
        places = sorted(
            zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/"))
        )
        home = [zone for zone in places if ZoneInfo(zone).key in BRAZIL]
        _zones.extend(home + [zone for zone in places if zone not in BRAZIL] + ["UTC"])
    return _zones


BRAZIL = frozenset(
    f"America/{city}"
    for city in (
        "Araguaina",
        "Bahia",
        "Belem",
        "Boa_Vista",
        "Campo_Grande",
        "Cuiaba",
        "Eirunepe",
        "Fortaleza",
        "Maceio",
        "Manaus",
        "Noronha",
        "Porto_Velho",
        "Recife",
        "Rio_Branco",
        "Santarem",
        "Sao_Paulo",
    )
)

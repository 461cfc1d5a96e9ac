"""Which tenant a host belongs to: asked by every request, so answered from memory.

An answer is kept in the process for `TTL_S`. Whoever changes a tenant, a host or a reseller raises one number in
Redis (`forget`, after the commit); a process compares that number at most once a second and drops everything it
knows when it moved. Without Redis the TTL alone bounds how old an answer can be.
"""

import copy
import ipaddress
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import idna
import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django_tenants.utils import schema_context

from ops.kernel.redis import client
from tenants.enums import PUBLIC_SCHEMA, ClaimState, TenantStatus
from tenants.models import Announcement, Domain, ImpersonationGrant, Reseller, Tenant

log = logging.getLogger(__name__)

T = TypeVar("T")

TTL_S = 15.0
LOOK_EVERY_S = 1.0
# Strangers choose the Host header: what is remembered about unknown hosts stays small.
MAX_HOSTS = 4096
PROBE_PATH = "/.well-known/domain-check"
VERSION_KEY = "tenants:hosts:version"

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """What stands behind a host: a tenant, and the reseller when the host is a reseller's console.

    `leads_to` is the main host when that wants pages asked for at this one; `siblings` are all hosts of the same owner
    whose proof stands.
    """

    tenant: Tenant
    reseller: Reseller | None
    leads_to: str = ""
    siblings: frozenset[str] = frozenset()
    # Whether there may be something to tell on its pages: asked here, with the host, so that pages ask only then.
    has_news: bool = False
    support_waits: bool = False

    def fresh(self) -> "Site":
        """Own copies: a form that fills a row and fails must not change what other requests see."""
        return replace(self, tenant=copy.copy(self.tenant), reseller=copy.copy(self.reseller))


_lock = threading.Lock()
_known: dict[str, tuple[float, Any]] = {}
_version: bytes | str | None = None
_looked_at = -LOOK_EVERY_S


def normalise(raw: str) -> str | None:
    """The host of a Host header or of a person's input, as stored: ASCII, small, without port, dot or `www.`.

    None for what is no host name; an address (127.0.0.1, [::1]) stays as it is.
    """
    host = raw.strip().lower()
    if not host or len(host) > 512 or any(ord(letter) <= 32 or letter in "/\\?#@%,;<>\"'" for letter in host):
        return None
    if host.startswith("["):
        inside, bracket, port = host[1:].partition("]")
        if not bracket or port and not re.fullmatch(r":\d{1,5}", port, re.ASCII):
            return None
        try:
            return str(ipaddress.IPv6Address(inside))
        except ValueError:
            return None
    host, colon, port = host.partition(":")
    if colon and not re.fullmatch(r"\d{1,5}", port, re.ASCII):
        return None
    host = host.removesuffix(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            return None
    if len(host) > 253 or not all(LABEL.match(label) for label in host.split(".")):
        return None
    return host.removeprefix("www.") or None


def site_of(host: str) -> Site | None:
    """The site of a normalised host, or nothing. In single-tenant mode every host is the one tenant's."""
    if settings.SINGLE_TENANT:
        site = remembered(_key(host), lambda: _single(settings.SINGLE_TENANT))
    else:
        site = remembered(_key(host), lambda: _find(host))
    return site.fresh() if site else None


def site_at_hand(host: str) -> Site | None:
    """What `site_of` would answer without asking anybody, for an event loop; nothing when it would have to ask."""
    now = time.monotonic()
    known = _known.get(_key(host))
    if known is None or known[0] <= now or now - _looked_at >= LOOK_EVERY_S:
        return None
    return known[1].fresh() if known[1] else None


def _key(host: str) -> str:
    return "single" if settings.SINGLE_TENANT else f"host:{host}"


def remembered(key: str, look: Callable[[], T]) -> T:
    """What `look` answers, asked at most every `TTL_S` seconds and whenever `forget` was called anywhere."""
    now = time.monotonic()
    _look_at_version(now)
    known = _known.get(key)
    if known is not None and known[0] > now:
        return known[1]
    answer = look()
    with _lock:
        if len(_known) >= MAX_HOSTS:
            _known.clear()
        _known[key] = (now + TTL_S, answer)
    return answer


def forget() -> None:
    """Make every process look again: this one at once, all of them when the current transaction has committed."""
    clear()
    transaction.on_commit(_raise_version)


def clear() -> None:
    """Drop what this process knows, and read the number again before anything new is kept."""
    global _version, _looked_at
    with _lock:
        _known.clear()
        _version = None
        _looked_at = -LOOK_EVERY_S


def _find(host: str) -> Site | None:
    # Also called from a socket's worker thread, wherever its connection stands.
    with schema_context(PUBLIC_SCHEMA):
        row = (
            Domain.objects.select_related("tenant", "tenant__reseller", "reseller")
            .exclude(tenant__status=TenantStatus.DELETED)
            .filter(domain=host)
            .annotate(has_news=_news(), support_waits=_requests("tenant"))
            .first()
        )
        if row is None:
            return None
        owners = Domain.objects.filter(tenant=row.tenant, reseller=row.reseller)
        # A host whose DNS is in doubt may be in somebody else's hands.
        family = list(owners.exclude(claim__state=ClaimState.FAILING).order_by("pk"))
    main = next((one for one in family if one.is_primary), None)
    leads_on = main is not None and (main.redirects_others or row.redirects_until is not None)
    leads_to = main.domain if main and leads_on and main.domain != host else ""
    known = frozenset(one.domain for one in family)
    return Site(row.tenant, row.reseller, leads_to, known, row.has_news, row.support_waits)


def answering(host: str) -> bool:
    """Whether any site answers at a host. Known from one list of all of them, so that asking for a million names that
    do not exist asks the database once in `TTL_S` seconds.
    """
    return host in remembered("answering", _all_hosts)


def probe_word(host: str) -> str:
    """What this installation, and no other, answers at `PROBE_PATH` of a host."""
    return salted_hmac("tenants.domain-probe", host).hexdigest()


def _all_hosts() -> frozenset[str]:
    with schema_context(PUBLIC_SCHEMA):
        rows = Domain.objects.exclude(tenant__status__in=(TenantStatus.ARCHIVED, TenantStatus.DELETED))
        return frozenset(rows.values_list("domain", flat=True))


def _news() -> Exists:
    return Exists(Announcement.objects.filter(Q(ends_at=None) | Q(ends_at__gt=Now())))


def _requests(path: str) -> Exists:
    return Exists(ImpersonationGrant.objects.waiting().filter(tenant=OuterRef(path), valid_until__gt=Now()))


def _single(schema: str) -> Site | None:
    with schema_context(PUBLIC_SCHEMA):
        tenant = (
            Tenant.objects.living()
            .select_related("reseller")
            .filter(schema_name=schema)
            .annotate(has_news=_news(), support_waits=_requests("pk"))
            .first()
        )
    if tenant is None:
        return None
    return Site(tenant, None, has_news=tenant.has_news, support_waits=tenant.support_waits)


def reseller_scope(schema: str) -> str:
    """Under which word a tenant's reseller keeps the settings its customers inherit; empty for direct customers."""
    return remembered(f"reseller:{schema}", lambda: _reseller_of(schema))


def _reseller_of(schema: str) -> str:
    with schema_context(PUBLIC_SCHEMA):
        found = Tenant.objects.filter(schema_name=schema).values_list("reseller", flat=True).first()
    return str(found) if found else ""


def _raise_version() -> None:
    clear()
    try:
        client().incr(VERSION_KEY)
    except redis.RedisError as error:
        log.warning("Other processes learn of a changed host only after %s s: %s", TTL_S, error)


def _look_at_version(now: float) -> None:
    global _version, _looked_at
    if now - _looked_at < LOOK_EVERY_S:
        return
    _looked_at = now
    try:
        version = client().get(VERSION_KEY) or "0"
    except redis.RedisError:
        return  # the TTL still holds
    with _lock:
        if version != _version:
            _known.clear()
            _version = version

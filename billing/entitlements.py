"""What a tenant may use, what is used of it and what is left.

`require` stands in the services that spend something; `check` only looks; `flag` asks for a feature. What holds is
settled from the plan and from what platform, reseller and tenant decided beyond it (`values.py` has the rule), and kept
five seconds in the tenant's cache. A tenant without an open subscription has the limits of the smallest plan; the
platform's own schema has none.

Two kinds of numbers. *Gauges* (people, bytes) are recounted in the tenant's schema each time, so they cannot drift:
every gauge registered as `<key>` or `<key>:<part>` counts. *Meters* are the month's sum of `ops.kernel.metering`.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

import redis
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context

from billing.enums import Level, Subject, Unit
from billing.errors import PlanLimitReached
from billing.models import Override, Plan, Subscription
from billing.values import NOBODY, Said, Settled, Word, settle_feature, settle_limit
from ops.kernel.metering import services as metering
from ops.kernel.registry import features, gauges
from tenants.models import Tenant

log = logging.getLogger(__name__)

# Whoever meets a limit that no plan set is not sent to the plans.
SET_FOR_YOU = frozenset({"platform", "reseller"})
_LIMIT_SET = _("%(what)s: your provider set the limit to %(limit)s. Ask your provider for more.")
CACHE_KEY = "billing.terms"
CACHE_S = 5


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One thing a plan limits: in words, in which unit, and which meter counts it when no gauge does."""

    label: Promise
    unit: Unit
    refusal: Promise
    meter: str | None = None
    shown: bool = True


KNOWN: dict[str, Entitlement] = {
    "chat.agents": Entitlement(
        _("Agents"), Unit.COUNT, _("Your plan includes %(limit)s agents. Deactivate somebody or change the plan.")
    ),
    "chat.conversations_month": Entitlement(
        _("Conversations this month"),
        Unit.COUNT,
        _("Your plan includes %(limit)s conversations a month. Change the plan to receive more."),
        meter="chat.conversations",
    ),
    "storage.bytes": Entitlement(
        _("Storage"), Unit.BYTES, _("The storage of your plan is full. Remove files or change the plan.")
    ),
    "chat.inboxes": Entitlement(
        _("Inboxes"), Unit.COUNT, _("Your plan includes %(limit)s inboxes. Remove one or change the plan.")
    ),
    "api.requests_15min": Entitlement(
        _("API requests in 15 minutes"),
        Unit.COUNT,
        _("Your plan includes %(limit)s API requests in 15 minutes."),
        shown=False,
    ),
}


class UnknownEntitlement(LookupError):
    """The key is not in `KNOWN`: a misspelt limit must not look unlimited."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one tenant agreed to: its plan, the limits and the features."""

    plan: str
    plan_name: str
    order: int
    limits: Mapping[str, int | None]
    flags: Mapping[str, bool]
    is_subscribed: bool = True
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `limit` and `remaining` are `None` when there is no limit; `upgrade_plan` names one with room."""

    allowed: bool
    limit: int | None
    used: int
    remaining: int | None
    reset_at: datetime | None = None
    reason: str = ""
    upgrade_plan: str | None = None

    @property
    def share(self) -> int | None:
        """Used, in whole percent of the limit; may pass 100 after a downgrade."""
        if self.limit is None:
            return None
        return 100 if self.limit == 0 else self.used * 100 // self.limit


UNLIMITED = Terms(plan="", plan_name="", order=0, limits={}, flags={}, is_subscribed=False)


def terms(tenant: Tenant | None = None) -> Terms:
    """The plan of a tenant (the current one by default), at most five seconds old."""
    schema = tenant.schema_name if tenant is not None else connection.schema_name
    if schema == get_public_schema_name():
        return UNLIMITED
    key = f"{CACHE_KEY}:{schema}"
    try:
        kept = cache.get(key)
    except redis.RedisError as error:
        log.warning("Plan read without the cache: %s", error)
        return _read_terms(schema)
    if kept is not None:
        return Terms(**kept)
    found = _read_terms(schema)
    cache.set(
        key,
        {one.name: getattr(found, one.name) for one in fields(Terms)},
        CACHE_S,
    )
    return found


def forget(tenant: Tenant) -> None:
    """Drop what is kept about a tenant's plan, now and again when the change is committed."""
    _forget(tenant)
    transaction.on_commit(lambda: _forget(tenant))


def _forget(tenant: Tenant) -> None:
    key = f"{CACHE_KEY}:{tenant.schema_name}"
    try:
        # Cache keys carry the schema of whoever asks: the tenant itself, or the console in public.
        for schema in (tenant.schema_name, get_public_schema_name()):
            with schema_context(schema):
                cache.delete(key)
    except redis.RedisError as error:
        log.warning("A changed plan takes %s s to arrive: %s", CACHE_S, error)


def _read_terms(schema: str) -> Terms:
    subscription = Subscription.objects.for_schema(schema).open().select_related("plan").first()
    plan = subscription.plan if subscription else Plan.objects.offered().first()
    if plan is None:
        return UNLIMITED
    found = settled(
        plan=plan,
        agreed=subscription.limits if subscription else {},
        overrides=Override.objects.in_force(timezone.now()).about_schema(schema),
    )
    return Terms(
        plan=plan.slug,
        plan_name=plan.name,
        order=plan.order,
        limits={key: one.value for key, one in found.limits.items() if speaks_of(one)},
        flags={name: one.value for name, one in found.features.items()},
        is_subscribed=subscription is not None,
        sources={key: str(one.source) for key, one in (*found.limits.items(), *found.features.items())},
    )


def speaks_of(one: Settled) -> bool:
    """Whether anybody said something about a limit: what nobody limits has no bar."""
    return len(one.steps) > 1


@dataclass(frozen=True, slots=True)
class All:
    """Everything that can be limited or switched, settled for one tenant."""

    limits: Mapping[str, Settled]
    features: Mapping[str, Settled]


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything about one tenant with the words it rests on, and its plan."""

    plan: Plan
    all: All


def explained(tenant: Tenant, *, now: datetime, without: str = "") -> Explained:
    """What holds for a tenant and why, asked of the tables and not of the cache. `without` leaves one level's words out."""
    subscription = Subscription.objects.for_tenant(tenant).open().select_related("plan").first()
    plan = subscription.plan if subscription else Plan.objects.offered().first() or Plan()
    rows = [row for row in Override.objects.in_force(now).about(tenant) if row.level != without]
    return Explained(plan, settled(plan=plan, agreed=subscription.limits if subscription else {}, overrides=rows))


def settled(*, plan: Plan, agreed: Mapping[str, Any], overrides: Iterable[Override]) -> All:
    """Every limit and feature of a tenant, from its plan and from the overrides in force that bear on it."""
    said = _said(overrides)
    return All(
        limits={
            key: settle_limit(
                plan=plan.limits.get(key),
                in_plan=key in plan.limits,
                agreed=Word(agreed[key]) if key in agreed else None,
                said=said.get((Subject.LIMIT, key), NOBODY),
            )
            for key in {**KNOWN, **plan.limits, **agreed}
        },
        features={
            name: settle_feature(
                default=known.default if (known := features.get(name)) else False,
                plan=plan.flags.get(name),
                said=said.get((Subject.FEATURE, name), NOBODY),
            )
            for name in dict.fromkeys((*features.keys(), *plan.flags))
        },
    )


def _said(overrides: Iterable[Override]) -> dict[tuple[str, str], Said]:
    found: dict[tuple[str, str], dict[str, Word]] = {}
    # A reseller's word about one tenant is nearer than its word about all: it comes later and wins.
    for row in sorted(overrides, key=lambda one: one.tenant_id is not None):
        about = found.setdefault((row.subject, row.key), {})
        about[_part(row)] = Word(row.value, row.reason, row.until)
    return {about: Said(**words) for about, words in found.items()}


def _part(row: Override) -> str:
    if row.level != Level.PLATFORM:
        return str(row.level)
    if row.tenant_id is not None:
        return "granted"
    return "allowance" if row.reseller_id is not None else "everybody"


def flag(name: str, *, tenant: Tenant | None = None) -> bool:
    """Whether a feature is on. Fails open to the feature's own default when that cannot be read."""
    feature = features.get(name)
    default = feature.default if feature else False
    try:
        found = terms(tenant)
    except DatabaseError as error:
        log.warning("Feature %s answered by its default: %s", name, error)
        return default
    return True if found is UNLIMITED else found.flags.get(name, default)


def limit_of(key: str, *, tenant: Tenant | None = None) -> int | None:
    """The number alone, without counting what is used."""
    _known(key)
    return terms(tenant).limits.get(key)


def check(key: str, amount: int = 1, *, tenant: Tenant | None = None, now: datetime | None = None) -> Decision:
    """Whether `amount` more is in the plan. For showing: when it cannot be found out, it is allowed (`reason` says so)."""
    try:
        return _decide(key, amount, tenant, now)
    except DatabaseError as error:
        log.warning("Entitlement %s could not be read, allowed: %s", key, error)
        return Decision(allowed=True, limit=None, used=0, remaining=None, reason="unknown")


def require(key: str, amount: int = 1, *, tenant: Tenant | None = None, now: datetime | None = None) -> Decision:
    """Refuse with `PlanLimitReached` (402) unless `amount` more is in the plan. When it cannot be found out, it raises.

    Two callers at once may both see the last place: whoever guards a scarce thing takes a lock before asking.
    """
    decision = _decide(key, amount, tenant, now)
    if not decision.allowed:
        source = terms(tenant).sources.get(key, "")
        raise PlanLimitReached(
            KNOWN[key].refusal if source not in SET_FOR_YOU else _LIMIT_SET,
            upgrade_plan=decision.upgrade_plan,
            limit=decision.limit,
            used=decision.used,
            key=key,
            source=source,
            what=KNOWN[key].label,
        )
    return decision


def used(key: str, *, tenant: Tenant | None = None, now: datetime | None = None) -> int:
    """How much of `key` the tenant uses: recounted for gauges, this month's sum for meters."""
    entitlement = _known(key)
    if tenant is not None and tenant.schema_name != connection.schema_name:
        with tenant_context(tenant):
            return used(key, now=now)
    if entitlement.meter is not None:
        return int(metering.total(entitlement.meter, period=now or timezone.now()))
    return sum(gauge.count() for name, gauge in gauges.items() if name == key or name.startswith(f"{key}:"))


def _decide(key: str, amount: int, tenant: Tenant | None, now: datetime | None) -> Decision:
    entitlement = _known(key)
    agreed = terms(tenant)
    count = used(key, tenant=tenant, now=now)
    limit = agreed.limits.get(key)
    reset_at = next_month(now or timezone.now()) if entitlement.meter else None
    if limit is None:
        return Decision(allowed=True, limit=None, used=count, remaining=None, reset_at=reset_at)
    remaining = max(limit - count, 0)
    if amount <= remaining:
        return Decision(allowed=True, limit=limit, used=count, remaining=remaining, reset_at=reset_at)
    return Decision(
        allowed=False,
        limit=limit,
        used=count,
        remaining=remaining,
        reset_at=reset_at,
        reason="limit_reached",
        upgrade_plan=_plan_with_room(agreed, key, count + amount),
    )


def _plan_with_room(agreed: Terms, key: str, needed: int) -> str | None:
    for plan in Plan.objects.offered().filter(order__gt=agreed.order):
        limit = plan.limits.get(key)
        if limit is None or limit >= needed:
            return plan.slug
    return None


def _known(key: str) -> Entitlement:
    try:
        return KNOWN[key]
    except KeyError:
        raise UnknownEntitlement(f"{key!r} is no entitlement. Known are {', '.join(KNOWN)}.") from None


def next_month(now: datetime) -> datetime:
    """The instant the month's meters start again from zero."""
    first: Any = metering.month_of(now)
    following = (first + timedelta(days=32)).replace(day=1)
    return datetime(following.year, following.month, 1, tzinfo=metering.CALENDAR)

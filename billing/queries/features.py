"""What a tenant may use and why, in words: the rows of its settings page, of the console's tab and of the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context

from billing import entitlements
from billing.enums import Level, Subject
from billing.models import Override, Plan
from billing.queries.usage import Bar, amount
from billing.values import Settled, Source
from ops.kernel.metering import services as metering
from ops.kernel.registry import features
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature: whether it is on, who decided that, and what would change it."""

    name: str
    label: str
    hint: str
    settled: Settled
    own: Override | None
    next_plan: str

    @property
    def is_on(self) -> bool:
        """Whether it may be used."""
        return bool(self.settled.value)

    @property
    def may_switch(self) -> bool:
        """Whether the tenant can change it: switch off what is on, and on again what it switched off."""
        return self.is_on or self.settled.source == Source.TENANT


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit: how much, how much is used, who decided it, and which plan has more."""

    key: str
    bar: Bar
    settled: Settled
    next_plan: str
    next_words: str


@dataclass(frozen=True, slots=True)
class RateRow:
    """A limit on speed: nothing adds up, so there is no bar."""

    label: str
    words: str
    settled: Settled


@dataclass(frozen=True, slots=True)
class Overview:
    """All of one tenant."""

    plan_name: str
    features: Sequence[FeatureRow]
    limits: Sequence[LimitRow]
    rates: Sequence[RateRow]


def of_current_tenant(tenant: Tenant, *, now: datetime) -> Overview:
    """The rows of the tenant whose schema we are in, counted now."""
    sums = metering.totals(period=now)
    used = {
        key: int(sums.get(one.meter, 0)) if one.meter else entitlements.used(key, now=now)
        for key, one in entitlements.KNOWN.items()
        if one.shown
    }
    return overview(tenant, used=used, now=now)


def overview(tenant: Tenant, *, used: dict[str, int], now: datetime) -> Overview:
    """The rows of a tenant, with numbers somebody counted."""
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        found = entitlements.explained(tenant, now=now)
        own = {
            row.key: row
            for row in Override.objects.in_force(now)
            .about(tenant)
            .filter(level=Level.TENANT, subject=Subject.FEATURE)
            .order_by("pk")
        }
        larger = list(Plan.objects.offered().filter(order__gt=found.plan.order))
    return Overview(
        plan_name=found.plan.name,
        features=[
            FeatureRow(
                name=name,
                label=str(one.label),
                hint=str(one.hint),
                settled=found.all.features[name],
                own=own.get(name),
                next_plan="" if found.all.features[name].value else _first_with(larger, name),
            )
            for name, one in features.items()
        ],
        limits=[_limit_row(key, used.get(key, 0), found.all.limits[key], larger, now) for key in used],
        rates=[
            RateRow(str(one.label), value_words(Subject.LIMIT, key, found.all.limits[key].value), found.all.limits[key])
            for key, one in entitlements.KNOWN.items()
            if not one.shown
        ],
    )


def _limit_row(key: str, used: int, settled: Settled, larger: Sequence[Plan], now: datetime) -> LimitRow:
    known = entitlements.KNOWN[key]
    bar = Bar(
        key=key,
        label=str(known.label),
        unit=known.unit,
        used=used,
        limit=settled.value,
        reset_at=entitlements.next_month(now) if known.meter else None,
    )
    more = next((plan for plan in larger if _is_more(plan.limits.get(key), settled.value)), None)
    if more is None or settled.value is None:
        return LimitRow(key, bar, settled, "", "")
    most = more.limits.get(key)
    words = _("unlimited") if most is None else amount(most, known.unit)
    return LimitRow(key, bar, settled, more.name, words)


def _is_more(one: int | None, other: int | None) -> bool:
    return other is not None and (one is None or one > other)


def _first_with(plans: Sequence[Plan], feature: str) -> str:
    return next((plan.name for plan in plans if plan.flags.get(feature)), "")


def why(settled: Settled, *, plan_name: str) -> str:
    """Who decided a value, in words for the tenant; nothing in it names a platform or a reseller."""
    words = {
        Source.DEFAULT: _("Standard"),
        Source.PLAN: _("From your plan, %(plan)s") % {"plan": plan_name},
        Source.AGREEMENT: _("Agreed with you"),
        Source.PLATFORM: _("Set by your provider"),
        Source.RESELLER: _("Set by your provider"),
        Source.TENANT: _("Switched off by your team"),
    }[settled.source]
    last = settled.last
    return " · ".join(
        part for part in (words, until_words(last.until if last else None), last.reason if last else "") if part
    )


def until_words(until: datetime | None) -> str:
    """The last day of something; nothing for what stays."""
    if until is None:
        return ""
    return _("Until %(day)s") % {"day": formats.date_format(timezone.localtime(until), "DATE_FORMAT")}


def value_words(subject: str, key: str, value: Any) -> str:
    """A value as people write it."""
    if subject == Subject.FEATURE:
        return _("on") if value else _("off")
    if value is None:
        return _("unlimited")
    return amount(value, entitlements.KNOWN[key].unit)


def decision_words(detail: Mapping[str, Any]) -> str:
    """What the log says of a decision: about what, how much, why, until when."""
    key, value = str(detail.get("about", "")), detail.get("value")
    subject = Subject.LIMIT if key in entitlements.KNOWN else Subject.FEATURE
    said = f"{label_of(subject, key)}: {value_words(subject, key, value)}"
    until = parse_datetime(str(detail.get("until") or ""))
    return " · ".join(part for part in (said, str(detail.get("reason") or ""), until_words(until)) if part)


def label_of(subject: str, key: str) -> str:
    """What a feature or a limit is called."""
    if subject == Subject.FEATURE:
        feature = features.get(key)
        return str(feature.label) if feature else key
    known = entitlements.KNOWN.get(key)
    return str(known.label) if known else key

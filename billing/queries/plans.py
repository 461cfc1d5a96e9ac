"""The plans in words, as one compares them in a form or a list."""

from datetime import datetime
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from billing import entitlements
from billing.models import Plan
from billing.queries import prices
from billing.queries.usage import amount
from ops.kernel.registry import features
from tenants.models import Reseller


def limit_words(plan: Plan, key: str) -> str:
    """A limit as people read it."""
    limit = plan.limits.get(key)
    if limit is None:
        return gettext("unlimited")
    return amount(limit, entitlements.KNOWN[key].unit)


def feature_names(plan: Plan) -> list[str]:
    """The plan's features in words."""
    return [str(feature.label) for name, feature in features.items() if plan.flags.get(name)]


def is_offered(slug: str) -> bool:
    """Whether a customer may choose the plan of that short name."""
    return "\x00" not in slug and Plan.objects.offered().filter(slug=slug).exists()


def choices(*, reseller: Reseller | None, now: datetime) -> list[dict[str, Any]]:
    """The offered plans, the smallest first, with what they cost a customer of this reseller."""
    known = prices.for_sale(reseller=reseller, now=now)
    return [
        {"slug": plan.slug, "name": plan.name, "words": _words(plan), "price": known.get(plan.pk)}
        for plan in Plan.objects.offered()
    ]


def _words(plan: Plan) -> str:
    """Its three limits side by side: a list, each part a phrase of its own."""
    agents, talks = plan.limits.get("chat.agents"), plan.limits.get("chat.conversations_month")
    return capfirst(
        " · ".join(
            (
                gettext("unlimited agents")
                if agents is None
                else ngettext("%(count)s agent", "%(count)s agents", agents)
                % {"count": limit_words(plan, "chat.agents")},
                gettext("unlimited conversations")
                if talks is None
                else ngettext("%(count)s conversation a month", "%(count)s conversations a month", talks)
                % {"count": limit_words(plan, "chat.conversations_month")},
                gettext("unlimited storage")
                if plan.limits.get("storage.bytes") is None
                else limit_words(plan, "storage.bytes"),
            )
        )
    )


def slugs_and_names() -> list[tuple[str, str]]:
    """Every plan, as a form offers them."""
    return list(Plan.objects.order_by("order", "pk").values_list("slug", "name"))

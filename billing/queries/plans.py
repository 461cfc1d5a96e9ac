"""The plans in words, as one compares them in a form or a list."""

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext

from billing.models import Plan
from ops.kernel.registry import features


def limit_words(plan: Plan, key: str) -> str:
    """A limit as people read it."""
    limit = plan.limits.get(key)
    if limit is None:
        return gettext("unlimited")
    return filesizeformat(limit) if key == "storage.bytes" else number_format(limit, force_grouping=True)


def feature_names(plan: Plan) -> list[str]:
    """The plan's features in words."""
    return [str(feature.label) for name, feature in features.items() if plan.flags.get(name)]


def is_offered(slug: str) -> bool:
    """Whether a customer may choose the plan of that short name."""
    return "\x00" not in slug and Plan.objects.offered().filter(slug=slug).exists()


def choices() -> list[dict[str, Any]]:
    """The offered plans, the smallest first."""
    return [{"slug": plan.slug, "name": plan.name, "words": _words(plan)} for plan in Plan.objects.offered()]


def _words(plan: Plan) -> str:
    words = gettext("%(agents)s agents · %(conversations)s conversations a month · %(storage)s")
    return words % {
        "agents": limit_words(plan, "chat.agents"),
        "conversations": limit_words(plan, "chat.conversations_month"),
        "storage": limit_words(plan, "storage.bytes"),
    }

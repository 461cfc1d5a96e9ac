"""Tables of billing; all of them live in the public schema."""

from billing.models.override import Override
from billing.models.plan import Plan
from billing.models.price import PlanPrice
from billing.models.reading import GaugeReading
from billing.models.subscription import Subscription

__all__ = [
    "GaugeReading",
    "Override",
    "Plan",
    "PlanPrice",
    "Subscription",
]

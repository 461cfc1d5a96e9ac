"""Tables of billing; all of them live in the public schema."""

from billing.models.plan import Plan
from billing.models.price import PlanPrice
from billing.models.reading import GaugeReading
from billing.models.subscription import Subscription

__all__ = ["GaugeReading", "Plan", "PlanPrice", "Subscription"]

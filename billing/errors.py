"""What can go wrong with plans and subscriptions."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, Invalid, LimitReached


class UnknownPlan(Invalid):
    """No plan of that short name."""

    code = "unknown_plan"
    message = _("There is no such plan.")


class AlreadySubscribed(Conflict):
    """A tenant has one subscription at a time."""

    code = "already_subscribed"
    message = _("This customer has a subscription already. Change its plan instead.")


class NotSubscribed(Conflict):
    """There is nothing to change."""

    code = "not_subscribed"
    message = _("This customer has no subscription.")


class PlanLimitReached(LimitReached):
    """The plan has no room; `params` holds the numbers and the plan that has room."""

    def __init__(self, message: str | Promise, *, upgrade_plan: str | None, **params: Any) -> None:
        super().__init__(message, **params)
        self.upgrade_plan = upgrade_plan

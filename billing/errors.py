"""What can go wrong with plans and subscriptions."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, Invalid, LimitReached, PermissionRefused


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


class UnknownFeature(Invalid):
    """No feature or limit of that name, or a value that does not suit it."""

    code = "unknown_feature"
    message = _("There is no such feature or limit, or the value does not suit it.")


class OnlyThePlatform(PermissionRefused):
    """Somebody wants more than may be given on this level."""

    code = "only_the_platform"
    message = _("The plan does not include this. A larger plan does, or the platform can allow it.")


class RaisedTooFar(Invalid):
    """A reseller raises a limit beyond what it may give."""

    code = "raised_too_far"
    message = _("You can set at most %(most)s here. For more, change the plan or ask the platform.")


class NothingToSwitchOff(Conflict):
    """The feature is off already."""

    code = "nothing_to_switch_off"
    message = _("This is off already.")


class UntilIsPast(Invalid):
    """An end that lies behind."""

    code = "until_is_past"
    message = _("The last day must lie in the future.")


class ExceptionChanged(Conflict):
    """Somebody decided the same thing in the meantime."""

    code = "changed_meanwhile"
    message = _("Somebody changed this in the meantime. Reload and look again.")


class BelowWholesale(Invalid):
    """Selling below what it costs."""

    code = "below_wholesale"
    message = _("This is below the wholesale price of %(wholesale)s.")


class AboveListed(Invalid):
    """The platform's own customers would pay less than its resellers."""

    code = "above_list"
    message = _("The list price of %(listed)s is lower. Raise it first.")


class NoWholesale(Invalid):
    """There is nothing to sell above."""

    code = "no_wholesale"
    message = _("The platform has not set a wholesale price for this plan yet.")


class BadPriceStart(Invalid):
    """Prices are not changed backwards."""

    code = "bad_price_start"
    message = _("Choose a day between today and one year from now.")


class BadAmount(Invalid):
    """Not an amount of money."""

    code = "bad_amount"
    message = _("Write the amount in reais, for example 197,00.")


class PriceHasBegun(Conflict):
    """What was in force is history."""

    code = "price_has_begun"
    message = _("This price is already in force. Set a new one instead.")

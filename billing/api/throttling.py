"""How often the API may be called: the number is the plan's, the counter the kernel's."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from billing import entitlements
from ops.kernel.api import RateThrottle
from ops.kernel.ratelimit import Limit
from tenants.accounts.authentication import SessionAuthentication

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module while it is being imported itself.
    from rest_framework.views import APIView

WINDOW_S = 15 * 60

# Our own pages fetch for the person in front of them; that is not what a plan sells, so it only has a ceiling.
PAGE_LIMIT = 5000
# Where no plan sets a number: the platform's own host, and plans without a limit.
CEILING = 5000
# One network address, whoever calls from it: an office shares one, so it is far above what a person may.
ADDRESS_LIMIT = 20_000
# The plan's number binds each person and each token. Together they may call that many times it: all tokens of one
# person, and everybody of one company. One that runs wild does not use up the others' share.
TOKENS_OF_ONE = 3
WHOLE_COMPANY = 10


class PlanThrottle(RateThrottle):
    """Per person, token, company and address, in one step; every answer says what is left of the tightest."""

    def limits(self, request: Request, view: "APIView") -> list[Limit]:
        """What binds this request."""
        user = request.user
        address = request.META.get("REMOTE_ADDR", "")
        if user is None or not user.is_authenticated:
            return [Limit(f"api:ip:{address}", plan_limit(), WINDOW_S)]
        if isinstance(request.successful_authenticator, SessionAuthentication):
            return [Limit(f"api:page:{user.pk}", PAGE_LIMIT, WINDOW_S)]
        number = plan_limit()
        token = getattr(user, "token", None)
        if token is None:
            own = [Limit(f"api:user:{user.pk}", number, WINDOW_S)]
        else:
            own = [
                Limit(f"api:token:{token.pk}", number, WINDOW_S),
                Limit(f"api:tokens:{user.pk}", number * TOKENS_OF_ONE, WINDOW_S),
            ]
        return [
            *own,
            Limit("api:company", number * WHOLE_COMPANY, WINDOW_S),
            Limit(f"api:from:{address}", ADDRESS_LIMIT, WINDOW_S),
        ]


def plan_limit() -> int:
    """API requests in fifteen minutes of the current tenant."""
    limit = entitlements.limit_of("api.requests_15min")
    return CEILING if limit is None else limit

"""How often the API may be called: the number is the plan's, the counter the kernel's."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from billing import entitlements
from ops.kernel.api import RateThrottle
from tenants.accounts.authentication import SessionAuthentication

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module while it is being imported itself.
    from rest_framework.views import APIView

WINDOW_S = 15 * 60

# Our own pages fetch for the person in front of them; that is not what a plan sells, so it only has a ceiling.
PAGE_LIMIT = 5000
# Where no plan sets a number: the platform's own host, and plans without a limit.
CEILING = 5000


class PlanThrottle(RateThrottle):
    """Per person in a tenant, per address for strangers; every answer says what is left."""

    def rule(self, request: Request, view: "APIView") -> tuple[str, int, int]:
        """Key, limit and window of this request."""
        user = request.user
        if user is not None and user.is_authenticated:
            if isinstance(request.successful_authenticator, SessionAuthentication):
                return f"api:page:{user.pk}", PAGE_LIMIT, WINDOW_S
            return f"api:user:{user.pk}", plan_limit(), WINDOW_S
        return f"api:ip:{request.META.get('REMOTE_ADDR', '')}", plan_limit(), WINDOW_S


def plan_limit() -> int:
    """API requests in fifteen minutes of the current tenant."""
    limit = entitlements.limit_of("api.requests_15min")
    return CEILING if limit is None else limit

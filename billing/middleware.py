"""Every answer of the API says how many requests are left, also those no throttle has seen."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from billing.api.throttling import WINDOW_S, plan_limit
from ops.kernel.errors import API_PREFIXES, RateLimited, response_for
from ops.kernel.ratelimit import hit


class ApiRateMiddleware:
    """Counts what was refused before a throttle was asked (a bad token, an unknown address) per caller.

    So guessing tokens is braked like everything else, and the headers are on all answers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and count afterwards: before, nobody knows whether a throttle will."""
        response = self.get_response(request)
        if request.path.startswith(API_PREFIXES):
            if getattr(request, "rate", None) is None:
                caller = request.META.get("REMOTE_ADDR", "")
                request.rate = hit(f"api:ip:{caller}", limit=plan_limit(), window_s=WINDOW_S)
                if not request.rate.allowed:
                    response = response_for(request, RateLimited(retry_after=request.rate.wait_s))
            for name, value in request.rate.headers.items():
                response.headers[name] = value
        return response

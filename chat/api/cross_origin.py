"""Calls from the browsers of an inbox's own websites (CORS). Tokens are sent by hand, so cookies are never allowed along."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from chat.services import widget

if TYPE_CHECKING:
    from rest_framework.views import APIView

    _ViewBase = APIView
else:
    _ViewBase = object

METHODS = "GET, POST, PUT, PATCH, DELETE"
SENT = "Authorization, Content-Type, Content-Range, Idempotency-Key, X-Request-ID, X-Widget-Token"
READ = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID"
REMEMBERED_S = 600


class CrossOriginMixin(_ViewBase):
    """Says to the browser that a website of ours may read the answer, refusals included.

    The question a browser asks before (`OPTIONS`) carries no token, so it is answered for the websites of every inbox;
    the call itself is judged by its own inbox.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the question before, or the call."""
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response: HttpResponseBase = HttpResponse(status=204) if asks else super().dispatch(request, *args, **kwargs)
        origin = request.headers.get("Origin", "")
        if not origin or origin.partition("://")[2] == request.get_host():
            return response
        patch_vary_headers(response, ["Origin"])
        if widget.serves(origin):
            response["Access-Control-Allow-Origin"] = origin
            if asks:
                response["Access-Control-Allow-Methods"] = METHODS
                response["Access-Control-Allow-Headers"] = SENT
                response["Access-Control-Max-Age"] = str(REMEMBERED_S)
            else:
                response["Access-Control-Expose-Headers"] = READ
        return response

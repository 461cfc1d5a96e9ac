"""Health and metrics, answered on every host and before anything else is asked of the database."""

import hmac
import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from ops.kernel import errors
from ops.monitor.services import health, metrics


class HealthMiddleware:
    """`/health` (the process answers), `/health/ready` (its dependencies do), `/metrics` (Prometheus text).

    It stands before the tenant middleware: a load balancer knows no tenant's host. `/health` touches nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.pages = {"/health": _live, "/health/ready": _ready, "/metrics": _metrics}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = self.pages.get(request.path.rstrip("/"))
        if page is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            response = HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        else:
            response = page(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "up"})


def _ready(request: HttpRequest) -> HttpResponse:
    report = health.ready()
    # The words of a check are for operators: a stranger sees which part is down and no more.
    trusted = _is_trusted(request)
    return JsonResponse(report.as_json(with_details=trusted), status=200 if report.ok else 503)


def _metrics(request: HttpRequest) -> HttpResponse:
    if not _is_trusted(request):
        body = errors.problem(errors.PermissionRefused())
        return JsonResponse(body, status=403, content_type=errors.PROBLEM_JSON)
    return HttpResponse(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _is_trusted(request: HttpRequest) -> bool:
    """The operator's token, or a caller on this machine that no proxy stands before."""
    token = settings.METRICS_TOKEN
    if token:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(sent.encode(), token.encode()):
            return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    address = request.META.get("REMOTE_ADDR", "")
    if not address:
        # A Unix socket has no address; only processes of this machine reach it.
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

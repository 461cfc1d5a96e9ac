"""The API of one host: `/api/v1/` assembled from the apps, its schema and its documentation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

from ops.kernel.errors import NotFound


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The documentation, drawn from the schema by files of our own host."""
    return render(request, "api/docs.html")


@csrf_exempt
def nowhere(request: HttpRequest, rest: str) -> HttpResponse:
    """An address of the API that does not exist: the same error shape, and no redirect to one with a slash."""
    raise NotFound


v1: list[URLPattern | URLResolver] = [
    path("", include("tenants.accounts.api.urls")),
    path("", include("tenants.api.urls")),
    path("billing/", include("billing.api.urls")),
    path("settings/", include("billing.api.settings_urls")),
    path("chat/", include("chat.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include((v1, "api"))),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
    path("widget/v1/", include("chat.api.widget_urls")),
    path("<path:rest>", nowhere),
]

"""The API of the platform's and the resellers' hosts: `/api/platform/v1/`, its schema and its documentation."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView

from config.api import docs, nowhere

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
    path("<path:rest>", nowhere),
]

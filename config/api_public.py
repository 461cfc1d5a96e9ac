"""The API of the platform's and the resellers' hosts: logging in, `/api/platform/v1/`, its schema and its documentation."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from billing.api.overrides import OverrideViewSet
from billing.api.platform import TenantViewSet
from config.api import docs, nowhere
from tenants.accounts.api import auth

platform = SimpleRouter()
platform.register("tenants", TenantViewSet, basename="platform-tenant")
platform.register("overrides", OverrideViewSet, basename="platform-override")

login: list[URLPattern | URLResolver] = [
    path("login/", auth.LoginView.as_view(), name="login"),
    path("refresh/", auth.RefreshView.as_view(), name="refresh"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("me/", auth.MeView.as_view(), name="me"),
]
schema = SpectacularAPIView.as_view(
    urlconf=settings.PUBLIC_SCHEMA_URLCONF,
    custom_settings={
        "TITLE": "Platform API",
        "DESCRIPTION": "REST API of the platform and of resellers: their customers. Whose they are depends on who asks and on the host.",
        "SCHEMA_PATH_PREFIX": "/api/(platform/)?v1",
    },
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/auth/", include((login, "api"))),
    path("platform/v1/", include((platform.urls, "platform"))),
    path("schema/", schema, name="api-schema"),
    path("docs/", docs, name="api-docs"),
    path("<path:rest>", nowhere),
]

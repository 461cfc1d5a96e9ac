"""URLs on the platform's host and on resellers' hosts: landing page, sign-up, console, platform API."""

from django.conf import settings
from django.urls import include, path

from billing.urls import public
from config import views
from tenants.console import site
from tenants.urls import everywhere

urlpatterns = [
    path("", views.landing, name="landing"),
    path("", include((everywhere, "tenants"))),
    path("", include("tenants.accounts.urls")),
    path("", include((public, "signup"))),
    path("admin/", site.urls),
    path("api/", include("config.api_public")),
]
if settings.DEBUG:
    urlpatterns += [path("dev/", include("config.dev.urls"))]

handler400 = "config.views.bad_request"
handler403 = "config.views.permission_denied"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"

"""URLs on a tenant's host."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("", include("tenants.urls")),
    path("", include("tenants.accounts.urls")),
    path("", include("billing.urls")),
    path("", include("chat.urls")),
    path("api/", include("config.api")),
]
if settings.DEBUG:
    urlpatterns += [path("dev/", include("config.dev.urls"))]

handler400 = "config.views.bad_request"
handler403 = "config.views.permission_denied"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"

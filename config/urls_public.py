"""URLs on the platform's host and on the hosts of resellers' consoles."""

from django.conf import settings
from django.urls import include, path

from tenants.urls import everywhere

urlpatterns = [
    path("", include((everywhere, "tenants"))),
]
if settings.DEBUG:
    urlpatterns += [path("dev/", include("config.dev.urls"))]

handler400 = "config.views.bad_request"
handler403 = "config.views.permission_denied"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"

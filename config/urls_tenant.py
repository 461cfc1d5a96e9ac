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

handler400 = "ops.kernel.errors.bad_request"
handler403 = "ops.kernel.errors.permission_denied"
handler404 = "ops.kernel.errors.page_not_found"
handler500 = "ops.kernel.errors.server_error"

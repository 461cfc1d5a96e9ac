"""URLs on the platform's host and on resellers' hosts: landing page, sign-up, console, platform API."""

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView

from billing.urls import public
from config import views
from tenants.accounts.urls import own_security
from tenants.accounts.views import login, password, security, sso
from tenants.console import site
from tenants.urls import everywhere

# The ways in. People and profiles stay out: every reseller's people and the platform's live in the same schema, and the
# console shows each only its own. There is one door to log in, and it asks whose console it is.
door = [
    path("login/", RedirectView.as_view(pattern_name="admin:login", query_string=True), name="login"),
    path("login/second-factor/", login.second_factor, name="second-factor"),
    path("login/passkey/", login.passkey, name="passkey-login"),
    path("login/unlock/<str:token>/", password.unlock, name="unlock"),
    path("login/confirm/", security.confirm, name="confirm"),
    path("logout/", login.logout, name="logout"),
    path("password/reset/", password.password_reset, name="password-reset"),
    path("password/reset/sent/", password.password_reset_sent, name="password-reset-sent"),
    path("password/reset/<str:token>/", password.password_reset_confirm, name="password-reset-confirm"),
    path("welcome/<str:token>/", password.welcome, name="welcome"),
    *own_security,
    path("sso/google/callback/", sso.google_callback, name="google-callback"),
]

urlpatterns = [
    path("", views.landing, name="landing"),
    path("", include((everywhere, "tenants"))),
    path("", include((door, "accounts"))),
    path("", include((public, "signup"))),
    path("admin/", site.urls),
    path("api/", include("config.api_public")),
]
if settings.DEBUG:
    urlpatterns += [path("dev/", include("config.dev.urls"))]

handler400 = "ops.kernel.errors.bad_request"
handler403 = "ops.kernel.errors.permission_denied"
handler404 = "ops.kernel.errors.page_not_found"
handler500 = "ops.kernel.errors.server_error"

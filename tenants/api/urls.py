"""`/api/v1/settings/…`."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.api import credentials, domains, mail, views

router = SimpleRouter()
router.register("settings/domains", domains.DomainViewSet, basename="domain")

urlpatterns = [
    path("", include(router.urls)),
    path("settings/", views.SettingsView.as_view(), name="settings"),
    path("settings/credentials/", credentials.CredentialsView.as_view(), name="credentials"),
    path("settings/credentials/<str:name>/", credentials.CredentialView.as_view(), name="credential"),
    path("settings/credentials/<str:name>/test/", credentials.CredentialTestView.as_view(), name="credential-test"),
    path(
        "settings/credentials/<str:name>/versions/",
        credentials.CredentialVersionsView.as_view(),
        name="credential-versions",
    ),
    path("settings/branding/", views.BrandingView.as_view(), name="branding"),
    path("settings/branding/logo/", views.LogoView.as_view(), name="branding-logo"),
    path("settings/branding/favicon/", views.FaviconView.as_view(), name="branding-favicon"),
    path("settings/mail/sender/", mail.SenderView.as_view(), name="mail-sender"),
    path("settings/mail/sender/check/", mail.SenderCheckView.as_view(), name="mail-sender-check"),
    path("settings/mail/letters/", mail.LettersView.as_view(), name="mail-letters"),
    path(
        "settings/mail/letters/<slug:app>/<slug:letter>/<slug:language>/", mail.LetterView.as_view(), name="mail-letter"
    ),
]

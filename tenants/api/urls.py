"""`/api/v1/settings/…`."""

from django.urls import path

from tenants.api import views

urlpatterns = [
    path("settings/", views.SettingsView.as_view(), name="settings"),
    path("settings/branding/", views.BrandingView.as_view(), name="branding"),
    path("settings/branding/logo/", views.LogoView.as_view(), name="branding-logo"),
    path("settings/branding/favicon/", views.FaviconView.as_view(), name="branding-favicon"),
]

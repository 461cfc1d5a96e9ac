"""The development pages under the addresses they have, for tests that run with DEBUG off."""

from django.urls import include, path

urlpatterns = [path("dev/", include("config.dev.urls"))]

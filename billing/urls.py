"""Pages of billing on a tenant's host."""

from django.urls import path

from billing.views import overview

app_name = "billing"

urlpatterns = [path("billing/", overview.overview, name="overview")]

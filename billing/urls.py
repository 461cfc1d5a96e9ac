"""Pages of billing: on a tenant's host, and `public` on the platform's and the resellers' hosts."""

from django.urls import path

from billing.views import features, overview, signup

app_name = "billing"

urlpatterns = [
    path("billing/", overview.overview, name="overview"),
    path("settings/features/", features.feature_list, name="features"),
    path("settings/features/<str:name>/", features.feature_switch, name="feature-switch"),
]

public = [
    path("signup/", signup.signup, name="form"),
    path("signup/check-address/", signup.check_address, name="check-address"),
    path("signup/<str:token>/", signup.waiting, name="waiting"),
    path("signup/<str:token>/state/", signup.state, name="state"),
]

"""`/api/v1/settings/features/…`."""

from django.urls import path

from billing.api.features import FeaturesView, FeatureView

urlpatterns = [
    path("features/", FeaturesView.as_view(), name="features"),
    path("features/<str:name>/", FeatureView.as_view(), name="feature"),
]

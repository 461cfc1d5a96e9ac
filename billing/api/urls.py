"""`/api/v1/billing/…`."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from billing.api.views import EntitlementsView, PlanViewSet

router = SimpleRouter()
router.register("plans", PlanViewSet, basename="plan")

urlpatterns = [
    path("entitlements/", EntitlementsView.as_view(), name="entitlements"),
    path("", include(router.urls)),
]

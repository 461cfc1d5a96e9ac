"""The plan of this tenant and what is used of it."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.queries import catalogue, usage


@require_safe
@login_required
@permission_required("billing.view_subscription", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    """Bars of what is used, and what the plans include."""
    now = timezone.now()
    plans = catalogue.offered(reseller=request.tenant.reseller, now=now)
    context = {
        "subscription": catalogue.open_subscription(request.tenant),
        "bars": usage.of_current_tenant(now=now),
        "plans": plans,
        "has_prices": any(plan.price for plan in plans),
        "comparison": catalogue.comparison(plans),
    }
    return render(request, "billing/overview.html", context)

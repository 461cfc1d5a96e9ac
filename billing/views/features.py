"""Settings: what the company may use, why, and what it switched off itself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing.queries import features
from billing.services import overrides
from ops.kernel.registry import features as known

VIEW = "billing.view_subscription"
CHANGE = "billing.change_features"


@login_required
@permission_required(VIEW, raise_exception=True)
@require_safe
def feature_list(request: HttpRequest) -> HttpResponse:
    """Every feature and limit with where it comes from."""
    found = features.of_current_tenant(request.tenant, now=timezone.now())
    context: dict[str, Any] = {
        "plan_name": found.plan_name,
        "features": [(row, features.why(row.settled, plan_name=found.plan_name)) for row in found.features],
        "limits": [(row, features.why(row.settled, plan_name=found.plan_name)) for row in found.limits],
        "rates": [(row, features.why(row.settled, plan_name=found.plan_name)) for row in found.rates],
        "may_change": request.user.has_perm(CHANGE),
    }
    return render(request, "billing/features.html", context)


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_POST
def feature_switch(request: HttpRequest, name: str) -> HttpResponse:
    """Switch a feature of the company off, or on again."""
    feature = known.get(name)
    if feature is None:
        raise Http404
    is_on = request.POST.get("on") == "1"
    overrides.switch(tenant=request.tenant, name=name, is_on=is_on, by=request.user, now=timezone.now())
    words = _("%(feature)s is on again.") if is_on else _("%(feature)s is off for everybody.")
    messages.success(request, words % {"feature": feature.label})
    return redirect("billing:features")

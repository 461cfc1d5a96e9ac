"""Alerts for the people of a tenant: opening the page reads them."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ops.kernel.alerts import services as alerts_service
from ops.kernel.alerts.enums import AlertState
from tenants.queries import alerts


@permission_required("alerts.view_alert", raise_exception=True)
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """What happened, newest first; what was new when the page was opened is marked as new."""
    shown = alerts.latest(request.user)
    unread = [alert for alert, is_new in shown if is_new]
    if unread:
        alerts_service.mark_read(alerts=unread, user=request.user, now=timezone.now())
        alerts.forget_count(request.user)
    return render(request, "home/notifications.html", {"alerts": shown, "resolved": AlertState.RESOLVED})

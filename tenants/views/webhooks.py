"""Settings: other systems that are told what happens here."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from ops.kernel.webhooks.models import WebhookDelivery, WebhookEndpoint
from ops.kernel.webhooks.registry import events as known_events
from ops.kernel.webhooks.services import deliveries, endpoints
from tenants.accounts.forms.base import add_problem
from tenants.forms.services import WebhookForm

MANAGE = "webhooks.manage_endpoint"
PAGE_SIZE = 25


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Every address, and how it does."""
    rows = [{"endpoint": row, "events": _in_words(row)} for row in WebhookEndpoint.objects.order_by("created_at", "pk")]
    return render(request, "tenants/webhooks.html", {"rows": rows})


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_add(request: HttpRequest) -> HttpResponse:
    """Add an address."""
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint = endpoints.create(by=request.user, now=timezone.now(), **form.values())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The webhook is added. Copy its secret into the other system."))
            return redirect("tenants:webhook", endpoint.pk)
    return render(request, "tenants/webhook_add.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One address: what it gets, its secret, and what was sent."""
    endpoint = endpoints.get(endpoint_id=pk)
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=_initial(endpoint))
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(endpoint_id=pk, by=request.user, now=timezone.now(), **form.values())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The webhook is saved."))
            return redirect("tenants:webhook", pk)
    page = Paginator(WebhookDelivery.objects.of(pk).newest_first(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "endpoint": endpoint,
        "form": form,
        "page": page,
        "previous_url": f"?page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?page={page.next_page_number()}" if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
    }
    response = render(request, "tenants/webhook.html", context, status=422 if form.is_bound else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_POST
def webhook_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take an address away."""
    endpoints.remove(endpoint_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("The webhook is removed."))
    return redirect("tenants:webhooks")


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_POST
def webhook_rotate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a new secret."""
    endpoints.rotate_secret(endpoint_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("There is a new secret. The one before signs too for 24 hours."))
    return redirect("tenants:webhook", pk)


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_POST
def webhook_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a `ping`."""
    deliveries.send_test(endpoint_id=pk, now=timezone.now())
    messages.success(request, _("A test event is on its way. Reload in a moment to see the answer."))
    return redirect("tenants:webhook", pk)


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_POST
def webhook_replay(request: HttpRequest, pk: UUID, delivery: UUID) -> HttpResponse:
    """Send an event again."""
    deliveries.replay(endpoint_id=pk, delivery_id=delivery, by=request.user, now=timezone.now())
    messages.success(request, _("The event is on its way again."))
    return redirect("tenants:webhook", pk)


def _initial(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": known_events.keys() if endpoint.events == ["*"] else endpoint.events,
        "enabled": endpoint.enabled,
    }


def _in_words(endpoint: WebhookEndpoint) -> str:
    if endpoint.events == ["*"]:
        return _("all events")
    return ngettext("%(count)s event", "%(count)s events", len(endpoint.events)) % {"count": len(endpoint.events)}

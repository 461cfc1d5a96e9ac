"""Putting an announcement away."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from ops.kernel.errors import NotFound
from tenants.services import announcements


@require_POST
def dismiss(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For this person only; others still read it."""
    if not request.user.is_authenticated:
        raise NotFound
    announcements.dismiss(announcement_id=pk, tenant=request.tenant, person_id=request.user.pk, now=timezone.now())
    if "HX-Request" in request.headers:
        return HttpResponse()
    target = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else "/")

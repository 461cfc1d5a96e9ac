"""The account itself: its address, a copy of everything, and its end."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.accounts.views.security import recently_confirmed
from tenants.enums import JobKind, JobState
from tenants.forms.account import AddressForm, LeaveForm
from tenants.gate import open_always, open_when_suspended
from tenants.models import TenantJob
from tenants.permissions import MANAGE_LIFECYCLE
from tenants.services import domains, leaving, lifecycle, renaming
from tenants.services.account_parts import leaving_notes


@login_required
@permission_required(MANAGE_LIFECYCLE, raise_exception=True)
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Where the account answers, and what can be done with it as a whole."""
    job = TenantJob.objects.latest_of(request.tenant, JobKind.EXPORT)
    if job is not None and job.state == JobState.DONE and not job.payload:
        job = None
    context = {
        "host": domains.host_below_platform(request.tenant.slug),
        "former": renaming.former(request.tenant),
        "export": job,
        "days": leaving.EXPORT_KEPT.days,
    }
    return render(request, "tenants/account.html", context)


@login_required
@permission_required(MANAGE_LIFECYCLE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@recently_confirmed
def address(request: HttpRequest) -> HttpResponse:
    """Choose another address below the platform; the old one leads on for a while."""
    tenant = request.tenant
    form = AddressForm(request.POST if request.method == "POST" else None, initial={"slug": tenant.slug})
    if request.method == "POST" and form.is_valid():
        try:
            renaming.rename(tenant=tenant, slug=form.cleaned_data["slug"], by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Your address is changed."))
            return redirect(domains.url_of(tenant, reverse("tenants:account")))
    context = {
        "form": form,
        "platform": f".{settings.PLATFORM_DOMAIN}",
        "days": renaming.KEPT.days,
        "host": domains.host_below_platform(tenant.slug),
    }
    return render(request, "tenants/account_address.html", context, status=422 if form.is_bound else 200)


@open_when_suspended
@login_required
@permission_required(MANAGE_LIFECYCLE, raise_exception=True)
@require_POST
@recently_confirmed
def export(request: HttpRequest) -> HttpResponse:
    """Have everything written into one file; every owner gets the link by letter."""
    leaving.ask_export(tenant=request.tenant, by=request.user, now=timezone.now())
    messages.success(request, _("The export is being made. Every owner gets a link by e-mail when it is ready."))
    return redirect("tenants:account")


@open_when_suspended
@login_required
@permission_required(MANAGE_LIFECYCLE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@recently_confirmed
def leave(request: HttpRequest) -> HttpResponse:
    """What closing the account means, and the form that does it."""
    tenant, now = request.tenant, timezone.now()
    form = LeaveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            leaving.require_name(tenant, form.cleaned_data["name"])
            job = leaving.plan(tenant=tenant, reason=form.cleaned_data["reason"], by=request.user, now=now, own=True)
        except DomainError as error:
            add_problem(form, error)
        else:
            tenant.refresh_from_db()
            assert job is not None, "somebody is logged in, so there are tables"
            return redirect(leaving.link(tenant=tenant, job=job, person=request.user))  # type: ignore[arg-type]
    context = {
        "form": form,
        "notes": [
            {"icon": note.icon, "label": note.label, "hint": note.hint, "count": note.count() if note.count else None}
            for note in leaving_notes
        ],
        "day": now + lifecycle.GRACE,
        "days": lifecycle.GRACE.days,
    }
    return render(request, "tenants/account_leave.html", context, status=422 if form.is_bound else 200)


@open_always
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def farewell(request: HttpRequest, token: str) -> HttpResponse:
    """The last page of a closed account, by the link of an owner's letter: the export, and the way back."""
    now = timezone.now()
    problem = ""
    try:
        found = leaving.behind(token=token, tenant=request.tenant, now=now)
    except DomainError as error:
        return _private(render(request, "tenants/farewell_over.html", {"detail": str(error)}, status=error.status))
    if request.method == "POST":
        try:
            leaving.take_back(tenant=request.tenant, by=found.person, now=now, own=True)
        except DomainError as error:
            problem = str(error)
        else:
            return redirect("accounts:login")
    context = {
        "found": found,
        "token": token,
        "problem": problem,
        "is_closed": found.job.kind == JobKind.PURGE,
        "left": _days_left(request.tenant.delete_after, now),
    }
    return _private(render(request, "tenants/farewell.html", context, status=409 if problem else 200))


@open_always
@never_cache
@require_safe
def farewell_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """The export itself."""
    now = timezone.now()
    try:
        found = leaving.behind(token=token, tenant=request.tenant, now=now)
        held = leaving.fetched(farewell=found, now=now)
    except DomainError as error:
        return _private(render(request, "tenants/farewell_over.html", {"detail": str(error)}, status=error.status))
    name = f"{slugify(request.tenant.slug)}-{found.job.created_at:%Y-%m-%d}.zip"
    return _private(FileResponse(held, as_attachment=True, filename=name, content_type="application/zip"))


def _private(response: Any) -> Any:
    """The address is the key: it goes to nobody else."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _days_left(day: datetime | None, now: datetime) -> int:
    return max(0, (day - now).days) if day else 0

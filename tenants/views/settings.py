"""The settings of a tenant: an index of what the apps registered, the company, and the brand."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from ops.kernel.registry import settings_pages, settings_sections
from tenants.accounts.forms.base import add_problem
from tenants.forms.brand import BrandForm, CompanyForm
from tenants.permissions import CHANGE_BRANDING, CHANGE_SETTINGS
from tenants.queries import brands
from tenants.services import branding, company


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every settings page this person may open."""
    sections: list[dict[str, Any]] = [
        {"key": key, "label": one.label, "order": one.order, "pages": []} for key, one in settings_sections.items()
    ]
    for page in settings_pages:
        if not page.permission or request.user.has_perm(page.permission):
            shown = {"label": page.label, "hint": page.hint, "icon": page.icon, "url": reverse(page.url_name)}
            [one for one in sections if one["order"] <= page.order][-1]["pages"].append(shown)
    return render(request, "tenants/settings.html", {"sections": [one for one in sections if one["pages"]]})


@login_required
@permission_required(CHANGE_SETTINGS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone and currency."""
    tenant = request.tenant
    form = CompanyForm(
        request.POST if request.method == "POST" else None,
        initial={name: getattr(tenant, name) for name in company.FIELDS},
    )
    if request.method == "POST" and form.is_valid():
        try:
            company.update(tenant=tenant, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The company's settings are saved."))
            return redirect("tenants:settings-general")
    return render(request, "tenants/general.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def brand(request: HttpRequest) -> HttpResponse:
    """Paint the pages; the preview beside the form shows it before it is saved."""
    tenant = request.tenant
    row = branding.of(tenant)
    look = brands.brand_for(tenant)
    form = BrandForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        initial={
            "display_name": row.display_name,
            "primary_color": look.primary,
            "secondary_color": look.secondary,
            "email_sender_name": row.email_sender_name,
            "custom_css": row.custom_css,
        },
    )
    if request.method == "POST":
        if "reset" in request.POST:
            branding.save(
                owner=tenant,
                by=request.user,
                now=timezone.now(),
                primary_color="",
                secondary_color="",
                custom_css="",
                logo=None,
                favicon=None,
            )
            messages.success(request, _("Your pages wear the standard look again."))
            return redirect("tenants:settings-branding")
        if form.is_valid():
            try:
                branding.save(owner=tenant, by=request.user, now=timezone.now(), **form.changes())
            except DomainError as error:
                add_problem(form, error)
            else:
                messages.success(request, _("Your brand is saved. Every page wears it now."))
                return redirect("tenants:settings-branding")
    context = {"form": form, "row": row, "look": look, "shades": branding.preview(owner=tenant)}
    return render(request, "tenants/branding.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def brand_preview(request: HttpRequest) -> JsonResponse:
    """The exact shades and the confined CSS for what stands in the form, or what is wrong with it. Saves nothing."""
    answer: dict[str, Any] = {"errors": {}}
    asked = {name: request.POST.get(name, "") for name in ("primary_color", "secondary_color")}
    css = request.POST.get("custom_css", "")
    try:
        answer |= branding.preview(owner=request.tenant, **asked, custom_css=css)
    except DomainError as error:
        answer["errors"] = {one.field: one.detail for one in error.errors}
    return JsonResponse(answer)

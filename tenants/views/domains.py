"""Settings: the company's own domains."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.forms.domains import OwnDomainForm
from tenants.permissions import MANAGE_DOMAINS
from tenants.queries import addresses
from tenants.services import claims


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def domain_list(request: HttpRequest) -> HttpResponse:
    """Every address, and a field for another one."""
    form = OwnDomainForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = claims.claim(
                tenant=request.tenant, host=form.cleaned_data["host"], by=request.user, now=timezone.now()
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The domain is in your list. Enter its records now."))
            return redirect("tenants:domain", made.pk)
    context = {"rows": addresses.of(request.tenant), "form": form}
    return render(request, "tenants/domains.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_safe
def domain(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One domain: its records to copy, and what the DNS says."""
    return _page(request, addresses.one(claims.find(tenant=request.tenant, claim_id=pk)))


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_POST
def domain_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the DNS now; a page with scripts gets the part that changed."""
    claim = claims.find(tenant=request.tenant, claim_id=pk)
    claim = claims.check_now(claim=claim, by=request.user, now=timezone.now())
    row = addresses.one(claim)
    if request.htmx:
        return render(request, "tenants/_domain_state.html", {"row": row})
    words = row.hint or _("%(host)s is verified and leads here.") % {"host": row.host}
    (messages.warning if row.hint else messages.success)(request, words)
    return redirect("tenants:domain", pk)


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_POST
def domain_primary(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make links with this domain from now on."""
    claim = claims.find(tenant=request.tenant, claim_id=pk)
    claims.make_primary(claim=claim, redirect=request.POST.get("redirect") == "on", by=request.user, now=timezone.now())
    messages.success(request, _("%(host)s is the main address now.") % {"host": claim.host})
    return redirect("tenants:domains")


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_POST
def domain_given(request: HttpRequest) -> HttpResponse:
    """Make links with the address below the platform again."""
    host = claims.use_given(tenant=request.tenant, by=request.user, now=timezone.now())
    messages.success(request, _("%(host)s is the main address now.") % {"host": host})
    return redirect("tenants:domains")


@login_required
@permission_required(MANAGE_DOMAINS, raise_exception=True)
@require_POST
def domain_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a domain go."""
    claim = claims.find(tenant=request.tenant, claim_id=pk)
    claims.release(claim=claim, by=request.user, now=timezone.now())
    messages.success(request, _("%(host)s is removed.") % {"host": claim.host})
    return redirect("tenants:domains")


def _page(request: HttpRequest, row: addresses.Address) -> HttpResponse:
    return render(request, "tenants/domain.html", {"row": row})

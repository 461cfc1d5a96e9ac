"""Support access: the customer decides, watches and ends; support enters and leaves."""

from datetime import datetime, time
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.enums import GrantEnd, GrantState
from tenants.forms.support import SupportAccessForm
from tenants.gate import ENTRY_KEY
from tenants.models import ImpersonationGrant
from tenants.permissions import MANAGE_SUPPORT_ACCESS
from tenants.queries import visits
from tenants.services import support

PAGE_SIZE = 20


@login_required
@permission_required(MANAGE_SUPPORT_ACCESS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest) -> HttpResponse:
    """Decide whether support may enter; who asks, who is inside, who was."""
    row = support.access_of(request.tenant)
    until = timezone.localtime(row.allowed_until).date() if row.allowed_until else None
    form = SupportAccessForm(
        request.POST if request.method == "POST" else None, initial={"mode": row.mode, "allowed_until": until}
    )
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["allowed_until"]
        # The whole day that was named, in the company's own zone.
        end = timezone.make_aware(datetime.combine(day, time.max)) if day else None
        try:
            support.set_access(
                tenant=request.tenant,
                mode=form.cleaned_data["mode"],
                allowed_until=end,
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Your decision about support's access is saved."))
            return redirect("tenants:support-access")
    now = timezone.now()
    page = Paginator(visits.past(request.tenant, now=now), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "access": row,
        "open": visits.open_now(request.tenant, now=now),
        "page": page,
        "previous_url": f"?page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?page={page.next_page_number()}" if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
    }
    return render(request, "tenants/support_access.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(MANAGE_SUPPORT_ACCESS, raise_exception=True)
@require_safe
def visit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One visit, and everything that was done during it."""
    grant = _one(request, pk)
    page = Paginator(visits.acts(grant), 50).get_page(request.GET.get("page"))
    context = {
        "grant": grant,
        "page": page,
        "acts": visits.in_words(page.object_list),
        "facts": visits.facts(grant),
        "previous_url": f"?page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?page={page.next_page_number()}" if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
    }
    return render(request, "tenants/support_visit.html", context)


@login_required
@permission_required(MANAGE_SUPPORT_ACCESS, raise_exception=True)
@require_POST
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say yes or no to somebody who asks."""
    approve = request.POST.get("answer") == "approve"
    support.answer(grant=_one(request, pk), approve=approve, by=request.user, now=timezone.now())
    messages.success(request, _("Support may come in now.") if approve else _("Support stays outside."))
    return redirect("tenants:support-access")


@login_required
@permission_required(MANAGE_SUPPORT_ACCESS, raise_exception=True)
@require_POST
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show support out at once."""
    support.end(grant=_one(request, pk), why=GrantEnd.CUSTOMER, by=request.user, now=timezone.now())
    messages.success(request, _("The visit is over. Nobody of support is inside."))
    return redirect("tenants:support-access")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer_by_letter(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an owner's letter: a page with two buttons, because mail scanners open links."""
    try:
        grant, owner = support.behind_letter(token=token, tenant=request.tenant)
        if request.method == "POST":
            approve = request.POST.get("answer") == "approve"
            support.answer(grant=grant, approve=approve, by=owner, now=timezone.now())
    except DomainError as error:
        return render(request, "tenants/support_over.html", {"detail": str(error)}, status=error.status)
    context = {"grant": grant, "person": owner, "is_waiting": grant.state == GrantState.REQUESTED}
    return render(request, "tenants/support_answer.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The one-use link from the console. Whoever was logged in here is logged out; the session ends with the visit."""
    now = timezone.now()
    try:
        if request.method != "POST":
            grant = support.waiting_at_the_door(token=token, tenant=request.tenant, now=now)
            return render(request, "tenants/support_enter.html", {"grant": grant})
        user, grant = support.enter(token=token, tenant=request.tenant, now=now)
    except DomainError as error:
        return render(request, "tenants/support_over.html", {"detail": str(error)}, status=error.status)
    request.session.flush()
    start_session(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[ENTRY_KEY] = str(grant.entry_id)
    request.session.set_expiry(max(1, int((grant.valid_until - now).total_seconds())))
    return redirect("tenants:home")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Support goes."""
    visit_ = getattr(request, "support", None)
    if visit_ is not None:
        grant = get_object_or_404(ImpersonationGrant.objects.for_tenant(request.tenant), pk=visit_.grant_id)
        support.end(grant=grant, why=GrantEnd.LEFT, by=request.user, now=timezone.now())
    request.support = None  # type: ignore[attr-defined]  # what follows is nobody's act
    end_session(request)
    return render(
        request, "tenants/support_over.html", {"detail": _("You have left. You can close this window."), "left": True}
    )


def _one(request: HttpRequest, pk: UUID) -> ImpersonationGrant:
    rows = ImpersonationGrant.objects.for_tenant(request.tenant).select_related("tenant")
    return get_object_or_404(rows, pk=pk)

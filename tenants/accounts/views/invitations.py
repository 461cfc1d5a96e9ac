"""Invitations: who was asked to come, and the page that lets them in."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.enums import LoginMethod
from tenants.accounts.errors import EmailTaken, LinkExpired, SignOnRequired
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.login import WelcomeForm
from tenants.accounts.forms.people import InviteForm
from tenants.accounts.models import Invitation
from tenants.accounts.queries import roles
from tenants.accounts.services import doors, invitations
from tenants.accounts.views import stages
from tenants.accounts.views.login import company_login

PAGE_SIZE = 50


@require_safe
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def waiting(request: HttpRequest) -> HttpResponse:
    """Those nobody has answered, the newest first; `?all=1` shows what became of the others."""
    everything = request.GET.get("all") == "1"
    rows = Invitation.objects.select_related("role", "invited_by").order_by("-sent_at", "-pk")
    if not everything:
        rows = rows.unanswered()
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    kept = "all=1&" if everything else ""
    context = {
        "page": page,
        "rows": [{"row": row, "state": row.state(now)} for row in page.object_list],
        "previous_url": f"?{kept}page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?{kept}page={page.next_page_number()}" if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
        "chips": [
            {"label": _("Waiting"), "url": "?", "current": not everything},
            {"label": _("All"), "url": "?all=1", "current": everything},
        ],
        "everything": everything,
    }
    return render(request, "accounts/invitations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def invite(request: HttpRequest) -> HttpResponse:
    """Invite one or many. Who could not be invited stays in the form, with the reason."""
    form = InviteForm(request.POST or None, by=request.user)
    outcome: invitations.Outcome | None = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            outcome = invitations.invite_many(
                people=data["people"],
                role=data["role"],
                language=data["language"],
                by=request.user,
                host=request.get_host(),
                now=timezone.now(),
            )
        except RateLimited as error:
            return stages.slow_down(request, error)
        if outcome.sent:
            words = ngettext(
                "%(count)s invitation is on its way.", "%(count)s invitations are on their way.", len(outcome.sent)
            )
            messages.success(request, words % {"count": len(outcome.sent)})
        if not outcome.refused:
            return redirect("accounts:invitations")
        left = ", ".join(one.email for one in outcome.refused)
        form = InviteForm(initial={**data, "addresses": left}, by=request.user)
    limit = next((one.reason for one in outcome.refused if one.reason.status == 402), None) if outcome else None
    context = {
        "form": form,
        "refused": [one for one in outcome.refused if one.reason.status != 402] if outcome else [],
        "limit": limit,
        "role_rows": roles.in_order(),
    }
    return render(request, "accounts/invite.html", context, status=(limit.status if limit else 422) if outcome else 200)


@require_POST
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def invitation_send(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send it again; the link before stops working."""
    row = get_object_or_404(Invitation, pk=pk)
    try:
        invitations.send_again(invitation=row, by=request.user, host=request.get_host(), now=timezone.now())
    except RateLimited as error:
        return stages.slow_down(request, error)
    messages.success(request, _("A new letter is on its way to %(email)s.") % {"email": row.email})
    return redirect("accounts:invitations")


@require_POST
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def invitation_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take it back."""
    row = get_object_or_404(Invitation, pk=pk)
    invitations.revoke(invitation=row, by=request.user, now=timezone.now())
    messages.success(request, _("The invitation of %(email)s is taken back.") % {"email": row.email})
    return redirect("accounts:invitations")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """The invited person's first page: a name, a password, and in."""
    now = timezone.now()
    limit = ""
    try:
        row = invitations.behind(token, now=now)
        doors.require_own(email=row.email)
        form = WelcomeForm(request.POST or None, initial={"name": row.name})
        if request.method == "POST" and form.is_valid():
            user = invitations.accept(token=token, now=now, **form.cleaned_data)
            return stages.proceed(request, user, method=LoginMethod.INVITATION)
    except (LinkExpired, EmailTaken) as error:
        return render(request, "accounts/invitation_over.html", {"refusal": error}, status=404)
    except SignOnRequired as error:
        return company_login(request, error, email=row.email)
    except DomainError as error:
        if error.status == 402:
            limit = _("There is no place left in the team at the moment. Ask the person who invited you.")
        else:
            add_problem(form, error)
    context = {"form": form, "invitation": row, "limit": limit}
    return render(request, "accounts/invitation.html", context, status=402 if limit else 200)

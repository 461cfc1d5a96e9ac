"""The team: who works here and what they may do."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.people import HandOverForm, LoginRulesForm, RoleForm
from tenants.accounts.models import Invitation, User
from tenants.accounts.queries import roles
from tenants.accounts.services import rules, users
from tenants.accounts.views.security import recently_confirmed

PAGE_SIZE = 50
FOUND_IN_PALETTE = 5


@require_safe
@login_required
@permission_required("accounts.view_user", raise_exception=True)
def people(request: HttpRequest) -> HttpResponse:
    """The list, with search and filters kept in the address."""
    role = request.GET.get("role", "")
    text = request.GET.get("q", "")
    rows = User.objects.members().select_related("role").search(text).order_by("-is_active", "name", "email", "pk")
    known = roles.choices()
    if role in dict(known):
        rows = rows.with_role(role)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {"q": text, "role": role}
    may_change = request.user.has_perm("accounts.change_user")
    context = {
        "page": page,
        "previous_url": _page_url(kept, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _page_url(kept, page.next_page_number()) if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
        "text": text,
        "role": role,
        "may_change": may_change,
        "waiting": Invitation.objects.unanswered().count() if may_change else 0,
        "chips": [
            {"label": label, "url": "?" + urlencode({"role": slug} if slug else {}), "current": slug == role}
            for slug, label in [("", _("Everybody")), *known]
        ],
    }
    return render(request, "accounts/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def person(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One person: their role, and whether they may come in."""
    user = get_object_or_404(User.objects.members().select_related("role"), pk=pk)
    form = RoleForm(request.POST or None, by=request.user, initial={"role": user.role.slug if user.role else ""})
    if request.method == "POST" and form.is_valid():
        try:
            users.set_role(user=user, role=form.cleaned_data["role"], by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The role of %(name)s is changed.") % {"name": user})
            return redirect("accounts:people")
    context = {"person": user, "form": form, "is_me": user.pk == request.user.pk, "role_rows": roles.in_order()}
    return render(request, "accounts/person.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def person_deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop somebody's access, and say first who takes what they have in hand."""
    user = get_object_or_404(User.objects.members().select_related("role"), pk=pk)
    form = HandOverForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            users.deactivate(user=user, by=request.user, hand_over=form.cleaned_data, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s can no longer log in.") % {"name": user})
            return redirect("accounts:people")
    context = {"person": user, "form": form, "is_me": user.pk == request.user.pk}
    return render(request, "accounts/person_deactivate.html", context)


@require_POST
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def person_activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let somebody in again."""
    user = get_object_or_404(User.objects.members(), pk=pk)
    users.activate(user=user, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s can log in again.") % {"name": user})
    return redirect("accounts:people")


@require_POST
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def person_invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send the welcome link again."""
    user = get_object_or_404(User.objects.members(), pk=pk)
    users.invite_again(user=user, by=request.user, host=request.get_host(), now=timezone.now())
    messages.success(request, _("A welcome link is on its way to %(email)s.") % {"email": user.email})
    return redirect("accounts:people")


@require_POST
@login_required
@permission_required("accounts.change_login_rules", raise_exception=True)
@recently_confirmed
def person_factor_reset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a lost second factor away."""
    user = get_object_or_404(User.objects.members().select_related("role"), pk=pk)
    users.reset_second_factor(user=user, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s logs in with the password alone now, and was told so.") % {"name": user})
    return redirect("accounts:person", pk=user.pk)


@require_POST
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def person_log_out(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End every login of somebody."""
    user = get_object_or_404(User.objects.members().select_related("role"), pk=pk)
    users.log_out(user=user, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s is logged out everywhere.") % {"name": user})
    return redirect("accounts:person", pk=user.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("accounts.change_login_rules", raise_exception=True)
@recently_confirmed
def login_rules(request: HttpRequest) -> HttpResponse:
    """Who needs a second factor, how long a device is trusted, and how far the team has come."""
    now = timezone.now()
    initial = {"roles": sorted(rules.second_factor_roles()), "grace_days": 7, "trust_days": rules.trust_days()}
    form = LoginRulesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            rules.change(
                roles=data["roles"],
                grace_days=data["grace_days"],
                trust_days=data["trust_days"],
                by=request.user,
                now=now,
                host=request.get_host(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The rules are saved."))
            return redirect("accounts:login-rules")
    return render(request, "accounts/login_rules.html", {"form": form, "state": rules.state(now=now)})


def find_people(request: HttpRequest, text: str) -> list[dict[str, str]]:
    """People for the palette; who may change them is led to their page, others to the list."""
    may_change = request.user.has_perm("accounts.change_user")
    return [
        {
            "label": user.get_full_name(),
            "hint": user.email,
            "icon": "circle-user",
            "url": reverse("accounts:person", args=[user.pk])
            if may_change
            else f"{reverse('accounts:people')}?{urlencode({'q': user.email})}",
        }
        for user in User.objects.active().members().search(text).order_by("name", "email", "pk")[:FOUND_IN_PALETTE]
    ]


def _page_url(kept: dict[str, str], number: int) -> str:
    return "?" + urlencode({name: value for name, value in kept.items() if value} | {"page": str(number)})

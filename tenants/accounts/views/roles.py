"""Roles: who may do what, as a table people can read, and roles of the tenant's own."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.people import RoleEditForm
from tenants.accounts.models import Role, User
from tenants.accounts.permissions import MANAGE_ROLES
from tenants.accounts.queries import matrix
from tenants.accounts.queries import roles as queries
from tenants.accounts.services import roles

SHOWN_PEOPLE = 100


@login_required
@permission_required(MANAGE_ROLES, raise_exception=True)
@require_safe
def role_list(request: HttpRequest) -> HttpResponse:
    """The whole table: permissions down, roles across."""
    columns = matrix.columns()
    held = matrix.held_by(columns)
    context = {
        "roles": columns,
        "sections": matrix.sections(held),
        # The same for a phone: one role after the other.
        "cards": [
            {"role": role, "sections": matrix.sections([names], only=names), "count": len(names)}
            for role, names in zip(columns, held, strict=True)
        ],
    }
    return render(request, "accounts/roles/list.html", context)


@login_required
@permission_required(MANAGE_ROLES, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def role_add(request: HttpRequest) -> HttpResponse:
    """Make a role, from nothing or like another one (`?copy=agent`)."""
    own = queries.gives(request.user)
    like = Role.objects.filter(slug=request.GET.get("copy", "")[:40]).first()
    held = matrix.held_by([like])[0] if like else frozenset()
    # What the copied role holds and oneself does not is left out: it could not be given.
    held = held if own is None else held & own
    named = _("Copy of %(name)s") % {"name": like.label} if like else ""
    form = RoleEditForm(
        request.POST if request.method == "POST" else None,
        own=own,
        held=frozenset() if request.method == "POST" else held,
        initial={"name": named, "description": like.about if like and not like.built_in else ""},
    )
    if request.method == "POST" and form.is_valid():
        try:
            role = roles.create(
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                codenames=form.wanted(),
                like=like,
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The role %(name)s is made. Give it to people now.") % {"name": role.name})
            return redirect("accounts:role", role.pk)
    context = {"form": form, "like": like}
    return render(request, "accounts/roles/add.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(MANAGE_ROLES, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One role: what it allows, who has it; the tenant's own can be changed."""
    row = get_object_or_404(Role, pk=pk)
    held = matrix.held_by([row])[0]
    own = queries.gives(request.user)
    form = RoleEditForm(
        request.POST if request.method == "POST" else None,
        own=own,
        held=held,
        initial={"name": row.name, "description": row.description},
    )
    if request.method == "POST" and form.is_valid():
        try:
            roles.change(
                role_id=row.pk,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                codenames=form.wanted(),
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The role is changed. It counts at once."))
            return redirect("accounts:role", row.pk)
    people = User.objects.members().filter(role=row).order_by("-is_active", "name", "email", "pk")
    count = people.count()
    used = count or row.api_tokens.exists() or row.invitations.exists()
    context: dict[str, Any] = {
        "role": row,
        "form": form,
        "sections": matrix.sections([held], only=held),
        "people": people[:SHOWN_PEOPLE],
        "people_more": max(0, count - SHOWN_PEOPLE),
        "people_count": count,
        "is_used": used,
        "heirs": [pair for pair in queries.choices_for(request.user) if pair[0] != row.slug],
        "may_change_people": request.user.has_perm("accounts.change_user"),
    }
    return render(request, "accounts/roles/role.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(MANAGE_ROLES, raise_exception=True)
@require_POST
def role_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a role; who has it gets another one."""
    row = get_object_or_404(Role, pk=pk)
    try:
        roles.delete(role_id=row.pk, move_to=request.POST.get("move_to", "")[:40], by=request.user, now=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("accounts:role", row.pk)
    messages.success(request, _("The role %(name)s is deleted.") % {"name": row.label})
    return redirect("accounts:roles")

"""In and out."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_tenants.utils import get_public_schema_name

from ops.kernel.audit import services as audit
from ops.kernel.errors import RateLimited, error_page
from tenants.accounts.errors import LoginRefused
from tenants.accounts.forms import LoginForm
from tenants.accounts.services import attempts

log = logging.getLogger(__name__)


def home() -> str:
    """Where people of this host work: the tenant's home, or the console."""
    if connection.schema_name == get_public_schema_name():
        return reverse("admin:index")
    return resolve_url("/")


def wanted(request: HttpRequest) -> str:
    """The page somebody was on the way to, when it is one of this host."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else ""


def caller(request: HttpRequest) -> str:
    """The address a request comes from."""
    return request.META.get("REMOTE_ADDR", "")


def slow_down(request: HttpRequest, error: RateLimited) -> HttpResponse:
    """A page that says when to come back, for people and for programs."""
    response = error_page(request, status=error.status, detail=str(error), code=error.code)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log in to this host. The session gets a new key, so one fixed beforehand is worth nothing."""
    target = wanted(request)
    if request.user.is_authenticated:
        return redirect(target or home())
    form = LoginForm(request.POST or None)
    if request.method == "POST":
        email = str(request.POST.get("email", ""))
        try:
            attempts.begin(email=email, caller=caller(request))
        except RateLimited as error:
            return slow_down(request, error)
        user: Any = authenticate(request, **form.cleaned_data) if form.is_valid() else None
        if user is not None:
            start_session(request, user)
            audit.record("accounts.login", by=user, on=user, now=timezone.now())
            return redirect(target or home())
        if form.is_valid():
            attempts.fail(email=email)
            log.warning("Login refused", extra={"caller": caller(request)})
            form.add_error(None, str(LoginRefused.message))
    return render(request, "accounts/login.html", {"form": form, "next": target})


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Log out of this browser."""
    end_session(request)
    messages.success(request, _("You are logged out."))
    return redirect("accounts:login")

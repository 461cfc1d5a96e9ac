"""From "this is who they are" to being in: the one way for every door.

A door (password, passkey, company login, invitation) finds out who somebody is and calls `proceed`. Who has a second
factor is asked for it, everybody else is in. Nothing is a session of theirs before that.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth import login as start_session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django_tenants.utils import get_public_schema_name

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import RateLimited
from tenants.accounts.enums import Factor, LoginMethod
from tenants.accounts.models import User
from tenants.accounts.services import logins, passkeys
from tenants.queries import brands

PENDING = "pending_login"
SALT = "accounts.pending-login"
PENDING_AGE_S = 600
BACKEND = "tenants.accounts.backends.RoleBackend"


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody who has shown the first thing and not yet the second."""

    user: User
    method: str
    target: str


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


def device(request: HttpRequest) -> UUID | None:
    """The browser, as its own cookie tells."""
    return logins.device_of(request.COOKIES.get("device", ""))


def here(request: HttpRequest) -> UUID | None:
    """The login this request comes from."""
    login_id = request.session.get(logins.SESSION_KEY)
    return UUID(login_id) if login_id else None


def place(request: HttpRequest) -> passkeys.Place:
    """Where this page stands, for passkeys."""
    origin = f"{request.scheme}://{request.get_host()}"
    return passkeys.Place(urlsplit(origin).hostname or "", origin, brands.brand_of(request).display_name)


def slow_down(request: HttpRequest, error: RateLimited) -> HttpResponse:
    """A page that says when to come back, for people and for programs."""
    page = {"status": error.status, "detail": str(error), "request_id": getattr(request, "request_id", "")}
    response = render(request, "accounts/slow_down.html", page, status=error.status)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def proceed(
    request: HttpRequest, user: User, *, method: LoginMethod, target: str = "", vouched: bool = False
) -> HttpResponse:
    """They are who they say: ask for the second factor when they have one, else let them in.

    `vouched=True`: the door saw two factors itself (a passkey that knew its holder, a company login that says so).
    """
    now = timezone.now()
    if vouched or user.second_factor_at is None:
        return enter(request, user, method=method, target=target, vouched=vouched)
    if logins.is_trusted(user=user, device=device(request), now=now):
        return enter(request, user, method=method, target=target, factor=Factor.TRUSTED)
    request.session[PENDING] = signing.dumps(
        [str(user.pk), method.value, target, user.get_session_auth_hash()], salt=SALT
    )
    return redirect("accounts:second-factor")


def pending(request: HttpRequest) -> Pending | None:
    """Who waits at the second factor in this browser; nobody after ten minutes, or when the password changed."""
    token = request.session.get(PENDING, "")
    try:
        key, method, target, fingerprint = signing.loads(token, salt=SALT, max_age=PENDING_AGE_S)
        user = User.objects.select_related("role").active().filter(pk=UUID(key)).first()
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if user is None or not constant_time_compare(fingerprint, user.get_session_auth_hash()):
        return None
    return Pending(user, method, target)


def enter(
    request: HttpRequest,
    user: User,
    *,
    method: LoginMethod,
    target: str = "",
    factor: str = "",
    trust: timedelta | None = None,
    vouched: bool = False,
) -> HttpResponse:
    """In: the session gets a new key, so one fixed beforehand is worth nothing."""
    now = timezone.now()
    details: dict[str, Any] = {"method": method, "factor": factor, "trust": trust}
    request.login_details = details  # type: ignore[attr-defined]
    request.session.pop(PENDING, None)
    start_session(request, user, backend=BACKEND)
    if vouched and method == LoginMethod.SSO:
        request.session[logins.VOUCHED] = True
    audit.record("accounts.login", by=user, on=user, detail={"method": method.value, "factor": str(factor)}, now=now)
    return redirect(target or home())

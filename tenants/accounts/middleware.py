"""Logins as they are used: their last use, their browser's cookie, and the second factor a role asks for."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from ops.kernel.errors import response_for, wants_problem_json
from tenants.accounts.errors import SecondFactorMissing
from tenants.accounts.gate import is_open_before_second_factor
from tenants.accounts.models import User
from tenants.accounts.services import logins
from tenants.gate import is_open_always

GetResponse = Callable[[HttpRequest], HttpResponse]

DEVICE_COOKIE = "device"


class LoginMiddleware:
    """After the person is known. Strangers and programs with tokens pass untouched and unasked."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = request.session.session_key
        response = self.get_response(request)
        device = getattr(request, "device_to_remember", None)
        if device is not None:
            response.set_cookie(
                DEVICE_COOKIE,
                logins.device_cookie(device),
                max_age=timedelta(seconds=logins.DEVICE_AGE_S),
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        elif before and request.session.session_key not in {before, None}:
            login_id = request.session.get(logins.SESSION_KEY)
            if login_id:
                logins.moved(login_id=UUID(login_id), session_key=request.session.session_key)
        return response

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> HttpResponse | None:
        """Note the use, and lead who needs a second factor to the page that sets it up."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return None
        if request.user.is_support:
            return None  # its own door looks after it: it came by a grant, and its factor is the console's
        now = timezone.now()
        login_id = request.session.get(logins.SESSION_KEY)
        if login_id:
            logins.touch(
                login_id=UUID(login_id),
                session_key=request.session.session_key or "",
                address=request.META.get("REMOTE_ADDR") or None,
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
                now=now,
            )
        if not request.user.lacks_second_factor(now) or request.session.get(logins.VOUCHED):
            return None
        if is_open_always(request, view) or is_open_before_second_factor(view):
            return None
        if wants_problem_json(request):
            return response_for(request, SecondFactorMissing())
        return redirect("accounts:second-factor-needed")

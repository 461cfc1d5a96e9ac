"""In and out: password or passkey, then the second factor, then home."""

import logging
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.enums import Factor, LoginMethod
from tenants.accounts.errors import LoginRefused, PasskeyRefused, SignOnRequired
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.login import CodeForm, LoginForm
from tenants.accounts.gate import open_before_second_factor
from tenants.accounts.models import User
from tenants.accounts.services import attempts, codes, doors, factors, passkeys, rules, single_sign_on
from tenants.accounts.views import stages
from tenants.services import team_rules

log = logging.getLogger(__name__)

ASKED = "passkey_question"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """The first step on this host: e-mail and password. A passkey has its own address beside it."""
    target = stages.wanted(request)
    if request.user.is_authenticated:
        return redirect(target or stages.home())
    form = LoginForm(request.POST or None)
    if request.method == "POST":
        email = str(request.POST.get("email", ""))
        known: dict[str, Any] = {"email": email, "caller": stages.caller(request), "device": stages.device(request)}
        try:
            attempts.begin(**known)
            doors.require_own(email=email)
        except RateLimited as error:
            return stages.slow_down(request, error)
        except SignOnRequired as error:
            return company_login(request, error, email=email, target=target)
        user: Any = authenticate(request, **form.cleaned_data) if form.is_valid() else None
        if user is not None:
            return stages.proceed(request, user, method=LoginMethod.PASSWORD, target=target)
        if form.is_valid():
            attempts.fail(**known, host=request.get_host())
            log.warning("Login refused", extra={"caller": stages.caller(request)})
            form.add_error(None, str(LoginRefused.message))
    return render(request, "accounts/login.html", {"form": form, "next": target, "providers": doors.offered()})


def company_login(request: HttpRequest, error: SignOnRequired, *, email: str = "", target: str = "") -> HttpResponse:
    """Where people of a domain log in instead, with the button that leads there."""
    context = {"provider": error.provider, "detail": str(error), "email": email, "next": target}
    return render(request, "accounts/sso_only.html", context, status=200 if request.method == "GET" else error.status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The second step: a code of the app, a recovery code, or a passkey."""
    waiting = stages.pending(request)
    if waiting is None:
        return redirect("accounts:login")
    user = waiting.user
    trust_days = team_rules.trust_days_of(user) if request.tenant.is_public else rules.trust_days()
    form = CodeForm(request.POST or None)
    if request.method == "POST":
        known: dict[str, Any] = {
            "email": user.email,
            "caller": stages.caller(request),
            "device": stages.device(request),
        }
        try:
            attempts.begin(**known)
            factor = _shown(request, user, form)
        except RateLimited as error:
            return stages.slow_down(request, error)
        except DomainError as error:
            attempts.fail(**known, host=request.get_host())
            add_problem(form, error)
        else:
            if factor is not None:
                trust = timedelta(days=trust_days) if trust_days and request.POST.get("trust") else None
                return stages.enter(
                    request,
                    user,
                    method=LoginMethod(waiting.method),
                    target=waiting.target,
                    factor=factor,
                    trust=trust,
                )
    kinds = {one.type for one in factors.of(user)}
    context: dict[str, Any] = {
        "form": form,
        "person": user,
        "has_app": "totp" in kinds,
        "trust_days": trust_days,
        "question": None,
    }
    if "webauthn" in kinds:
        context["question"] = ask(request, user)
    return render(request, "accounts/second_factor.html", context)


def _shown(request: HttpRequest, user: User, form: CodeForm) -> Factor | None:
    """The factor that was shown rightly; nothing for a form that needs another look. Raises what is wrong with it."""
    now = timezone.now()
    answer = request.POST.get("answer", "")
    if answer:
        state = request.session.pop(ASKED, "")
        passkeys.judge(user=user, answer=answer, state=state, place=stages.place(request), now=now)
        return Factor.PASSKEY
    if not form.is_valid():
        return None
    return codes.check(user=user, code=form.cleaned_data["code"], now=now)


def ask(request: HttpRequest, user: User | None) -> dict[str, Any]:
    """A question for the browser's keys; the token it is judged by waits in the session."""
    question = passkeys.ask(user=user, place=stages.place(request))
    request.session[ASKED] = question.state
    return question.options


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey(request: HttpRequest) -> HttpResponse:
    """Log in with a passkey alone: GET gives the question to the login page's script, POST takes the answer."""
    target = stages.wanted(request)
    if request.method != "POST":
        return JsonResponse({"question": ask(request, None)})
    caller = stages.caller(request)
    state = request.session.pop(ASKED, "")
    try:
        attempts.begin(email="", caller=caller)
        user = passkeys.judge(
            user=None,
            answer=request.POST.get("answer", ""),
            state=state,
            place=stages.place(request),
            now=timezone.now(),
        )
        doors.require_own(email=user.email)
    except RateLimited as error:
        return stages.slow_down(request, error)
    except SignOnRequired as error:
        return company_login(request, error, target=target)
    except PasskeyRefused as error:
        attempts.fail(email=f"passkey|{caller}", caller=caller)
        log.warning("Passkey refused", extra={"caller": caller})
        messages.error(request, str(error))
        return redirect("accounts:login")
    return stages.proceed(request, user, method=LoginMethod.PASSKEY, target=target, vouched=True)


@open_before_second_factor
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Log out of this browser. Who came by an identity provider hears what of that is still open."""
    left = single_sign_on.leave_token(request.session.get(single_sign_on.SESSION_KEY))
    end_session(request)
    if left:
        return redirect(f"{reverse('accounts:signed-out')}?{urlencode({'from': left})}")
    messages.success(request, _("You are logged out."))
    return redirect("accounts:login")

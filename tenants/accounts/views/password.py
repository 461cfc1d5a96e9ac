"""A forgotten password, and the first one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from ops.kernel.errors import DomainError, Invalid, RateLimited
from tenants.accounts.enums import LoginMethod
from tenants.accounts.errors import LinkExpired, SignOnRequired
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.login import NewPasswordForm, ResetRequestForm, WelcomeForm
from tenants.accounts.services import attempts, doors, links, users
from tenants.accounts.views import stages
from tenants.accounts.views.login import company_login
from tenants.accounts.views.stages import caller, slow_down


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same whether the address is known or not."""
    form = ResetRequestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            doors.require_own(email=email)
            may_write = attempts.letter(email=email, caller=caller(request))
        except RateLimited as error:
            return slow_down(request, error)
        except SignOnRequired as error:
            return company_login(request, error, email=email)
        if may_write:
            users.request_password_reset(email=email, host=request.get_host())
        return redirect("accounts:password-reset-sent")
    return render(request, "accounts/password_reset.html", {"form": form})


@require_safe
def password_reset_sent(request: HttpRequest) -> HttpResponse:
    """Look into your mailbox."""
    return render(request, "accounts/password_reset_sent.html")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Choose the new password with the link of the letter."""
    form = NewPasswordForm(request.POST or None)
    try:
        user = links.resetting(token)
        if request.method == "POST" and form.is_valid():
            users.reset_password(token=token, password=form.cleaned_data["password"], now=timezone.now())
            messages.success(request, _("Your password is changed. Log in with it."))
            return redirect("accounts:login")
    except LinkExpired as error:
        return link_expired(request, error)
    except SignOnRequired as error:
        return company_login(request, error, email=user.email)
    except Invalid as error:
        add_problem(form, error)
    return render(request, "accounts/password_reset_confirm.html", {"form": form, "person": user})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """First login of somebody who was invited: name, password, and in."""
    try:
        user = links.welcomed(token)
        doors.require_own(email=user.email)
        form = WelcomeForm(request.POST or None, initial={"name": user.name})
        if request.method == "POST" and form.is_valid():
            now = timezone.now()
            user = users.accept_invitation(token=token, now=now, **form.cleaned_data)
            return stages.proceed(request, user, method=LoginMethod.INVITATION)
    except LinkExpired as error:
        return link_expired(request, error)
    except SignOnRequired as error:
        # Invited, and their company has its own login: that is their first door too.
        return company_login(request, error, email=user.email)
    except Invalid as error:
        add_problem(form, error)
    return render(request, "accounts/welcome.html", {"form": form, "person": user})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: HttpRequest, token: str) -> HttpResponse:
    """Try again after too many wrong passwords: a button, because mail scanners open links."""
    try:
        user = links.unlocking(token)
        if request.method == "POST":
            users.unlock(token=token, now=timezone.now())
            messages.success(request, _("You can try again now."))
            return redirect("accounts:login")
    except LinkExpired as error:
        return link_expired(request, error)
    return render(request, "accounts/unlock.html", {"person": user})


def link_expired(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A link that was used, is too old, or belongs elsewhere."""
    return render(request, "accounts/link_expired.html", {"detail": str(error)}, status=error.status)

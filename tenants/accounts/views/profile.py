"""My own name, language, e-mail and password."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.forms import EmailForm, PasswordForm, ProfileForm, add_problem
from tenants.accounts.models import User
from tenants.accounts.services import addresses, attempts, users
from tenants.accounts.views import stages
from tenants.accounts.views.password import link_expired
from tenants.accounts.views.stages import caller, slow_down


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Three forms on one page; each button sends its own."""
    me = User.objects.select_related("role").get(pk=request.user.pk)
    sent = request.POST.get("form", "")
    forms = {
        "profile": ProfileForm(request.POST if sent == "profile" else None, instance=me, prefix="profile"),
        "email": EmailForm(request.POST if sent == "email" else None, prefix="email"),
        "password": PasswordForm(request.POST if sent == "password" else None, prefix="password"),
    }
    form = forms.get(sent)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            words = _save(request, sent, form.cleaned_data)
        except RateLimited as error:
            return slow_down(request, error)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, words)
            return redirect("accounts:profile")
    waiting = addresses.waiting(user=me)
    context = {"forms": forms, "person": User.objects.select_related("role").get(pk=me.pk), "waiting": waiting}
    return render(request, "accounts/profile.html", context)


def _save(request: HttpRequest, which: str, data: dict[str, str]) -> str:
    now = timezone.now()
    me = User.objects.get(pk=request.user.pk)
    if which == "profile":
        users.rename(user=me, name=data["name"])
        users.set_language(user=me, language=data["language"])
        return _("Your profile is saved.")
    with attempts.guarded(email=me.email, caller=caller(request)):
        if which == "email":
            addresses.request_change(
                user=me, email=data["email"], password=data["password"], host=request.get_host(), now=now
            )
            return _("A letter is on its way to %(email)s. The address changes once you answer it.") % data
        users.change_password(
            user=me, current=data["current_password"], new=data["new_password"], keep=stages.here(request), now=now
        )
    me.refresh_from_db()
    update_session_auth_hash(request, me)
    return _("Your password is changed. Other devices are logged out.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, key: str) -> HttpResponse:
    """Answer the letter: a button, because mail scanners open links."""
    try:
        email = addresses.awaited(token=key)
        if request.method == "POST":
            addresses.confirm(token=key, now=timezone.now())
            messages.success(request, _("Your e-mail is now %(email)s.") % {"email": email})
            return redirect("accounts:profile" if request.user.is_authenticated else "accounts:login")
    except DomainError as error:
        return link_expired(request, error)
    return render(request, "accounts/confirm_email.html", {"email": email})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_email_change(request: HttpRequest, token: str) -> HttpResponse:
    """The old address says it was not them: a button, because mail scanners open links."""
    try:
        old, new, has_happened = addresses.meant(token=token)
        if request.method == "POST":
            addresses.stop(token=token, now=timezone.now())
            words = (
                _("Your address is back, everybody is logged out, and a letter for a new password is on its way.")
                if has_happened
                else _("The change is stopped. Choose a new password: whoever asked for it knew yours.")
            )
            messages.success(request, words)
            return redirect("accounts:login" if has_happened else "accounts:password-reset")
    except DomainError as error:
        return link_expired(request, error)
    context = {"old": old, "new": new, "has_happened": has_happened}
    return render(request, "accounts/stop_email_change.html", context)

"""My own name, language, e-mail and password."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.profile import EmailForm, PasswordForm, PictureForm, ProfileForm
from tenants.accounts.gate import open_before_second_factor
from tenants.accounts.models import User
from tenants.accounts.services import addresses, attempts, doors, portraits, users
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
    return _page(request, me, **forms)


def _page(request: HttpRequest, me: User, **forms: Any) -> HttpResponse:
    """The profile with these forms; what was not sent stands as it is kept."""
    person = User.objects.select_related("role").get(pk=me.pk)
    shown = {
        "picture": PictureForm(),
        "profile": ProfileForm(instance=person, prefix="profile"),
        "email": EmailForm(prefix="email"),
        "password": PasswordForm(prefix="password"),
        **forms,
    }
    context = {"forms": shown, "person": person, "waiting": addresses.waiting(user=me)}
    context["company_login"] = doors.only_way_in(me.email)
    return render(request, "accounts/profile.html", context)


def _save(request: HttpRequest, which: str, data: dict[str, str]) -> str:
    now = timezone.now()
    me = User.objects.get(pk=request.user.pk)
    if which == "profile":
        users.rename(user=me, name=data["name"])
        users.set_language(user=me, language=data["language"])
        users.set_time_zone(user=me, time_zone=data["time_zone"])
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


@require_POST
@login_required
def picture_change(request: HttpRequest) -> HttpResponse:
    """Another picture of me, or none."""
    me = User.objects.get(pk=request.user.pk)
    now = timezone.now()
    if request.POST.get("remove"):
        portraits.remove(user=me, by=me, now=now)
        messages.success(request, _("Your picture is removed."))
        return redirect("accounts:profile")
    form = PictureForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            portraits.change(user=me, upload=form.cleaned_data["picture"], crop=form.crop, by=me, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Your picture is saved."))
            return redirect("accounts:profile")
    return _page(request, me, picture=form)


@open_before_second_factor
@require_safe
def picture(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """A person's picture, also for visitors they answer: whoever was shown the address may fetch it, nobody guesses it."""
    user = User.objects.active().filter(pk=pk).first()
    if user is None or not user.picture or user.picture_url.rpartition("/")[2] != name:
        raise Http404
    try:
        with default_storage.open(user.picture.name) as stored:
            body = stored.read()
    except FileNotFoundError as error:
        raise Http404 from error
    response = HttpResponse(body, content_type="image/webp")
    patch_cache_control(response, private=True, max_age=365 * 24 * 3600, immutable=True)
    return response


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

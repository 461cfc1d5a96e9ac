"""My own security: second factor, passkeys, recovery codes, and where I am logged in."""

from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import segno
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel import fields
from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.errors import PasskeyRefused, WrongPassword
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.login import CodeForm, ConfirmForm
from tenants.accounts.forms.profile import NameForm
from tenants.accounts.gate import open_before_second_factor
from tenants.accounts.models import User
from tenants.accounts.queries import devices
from tenants.accounts.services import attempts, codes, factors, logins, passkeys, sessions
from tenants.accounts.views import stages
from tenants.accounts.views.login import ASKED, ask
from tenants.queries import brands

NEW_KEY = "new_factor_key"
CODES = "new_recovery_codes"
OFFERED = "passkey_offer"
CONFIRMED_FOR_S = 15 * 60


def recently_confirmed(view: Any) -> Any:
    """A door that only somebody passes who showed who they are in the last quarter of an hour."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        back = request.get_full_path() if request.method == "GET" else _page_of(request)
        return redirect(f"{reverse('accounts:confirm')}?{urlencode({'next': back})}")

    return page


def _page_of(request: HttpRequest) -> str:
    """The page a form was sent from, when it is one of this host."""
    sent_from = request.headers.get("Referer", "")
    known = url_has_allowed_host_and_scheme(sent_from, {request.get_host()}, require_https=request.is_secure())
    return urlsplit(sent_from).path if known and sent_from else reverse("accounts:security")


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person showed lately who they are."""
    at = request.session.get(logins.CONFIRMED, 0)
    return bool(timezone.now().timestamp() - at < CONFIRMED_FOR_S)


def me(request: HttpRequest) -> User:
    """The person, as the database knows them now."""
    return User.objects.select_related("role").get(pk=request.user.pk)


@never_cache
@open_before_second_factor
@require_safe
@login_required
def security(request: HttpRequest) -> HttpResponse:
    """Everything on one page; what changes something has its own."""
    person = me(request)
    now = timezone.now()
    found = factors.of(person)
    context = {
        "person": person,
        "factors": found,
        "has_app": any(one.type == Authenticator.Type.TOTP for one in found),
        "codes_left": factors.codes_left(person),
        "required_from": factors.required_from(person),
        "is_required": person.lacks_second_factor(now),
        "logins": devices.browsers(person, here=request.session.get(logins.SESSION_KEY)),
        "programs": devices.programs(person, now=now),
    }
    # A console has no frame of the tenants' pages.
    template = "accounts/security_console.html" if request.tenant.is_public else "accounts/security.html"
    return render(request, template, context)


@never_cache
@open_before_second_factor
@require_safe
@login_required
def needed(request: HttpRequest) -> HttpResponse:
    """The page that stands in the way of who must set up a second factor."""
    if not me(request).lacks_second_factor(timezone.now()):
        return redirect(stages.home())
    return render(request, "accounts/second_factor_needed.html", {"person": request.user})


@never_cache
@open_before_second_factor
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Show again who I am, before something sensitive: the password, a code, or a passkey."""
    person = me(request)
    target = stages.wanted(request) or reverse("accounts:security")
    kinds = {one.type for one in factors.of(person)}
    form = ConfirmForm(
        request.POST or None, has_password=person.has_usable_password(), has_app=Authenticator.Type.TOTP in kinds
    )
    if request.method == "POST":
        try:
            with attempts.guarded(email=person.email, caller=stages.caller(request), device=stages.device(request)):
                done = _confirmed(request, person, form)
        except RateLimited as error:
            return stages.slow_down(request, error)
        except DomainError as error:
            add_problem(form, error)
        else:
            if done:
                request.session[logins.CONFIRMED] = timezone.now().timestamp()
                return redirect(target)
    context = {"form": form, "person": person, "next": target, "question": None}
    if Authenticator.Type.WEBAUTHN in kinds:
        context["question"] = ask(request, person)
    return render(request, "accounts/confirm.html", context)


def _confirmed(request: HttpRequest, person: User, form: ConfirmForm) -> bool:
    now = timezone.now()
    answer = request.POST.get("answer", "")
    if answer:
        state = request.session.pop(ASKED, "")
        passkeys.judge(user=person, answer=answer, state=state, place=stages.place(request), now=now)
        return True
    if not form.is_valid():
        return False
    if form.cleaned_data.get("password"):
        if not person.check_password(form.cleaned_data["password"]):
            raise WrongPassword(field="password")
        return True
    if form.cleaned_data.get("code"):
        codes.check(user=person, code=form.cleaned_data["code"], now=now)
        return True
    form.add_error(None, _("Type your password or a code."))
    return False


@never_cache
@open_before_second_factor
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_confirmed
def app_add(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: a picture to scan, the key to type, and the first code."""
    person = me(request)
    kept = request.session.get(NEW_KEY)
    secret = fields.decrypt(kept) if kept else factors.new_secret()
    if not kept:
        # Nobody who reads the session's row learns the key.
        request.session[NEW_KEY] = fields.encrypt(secret)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = factors.add_app(
                user=person,
                secret=secret,
                code=form.cleaned_data["code"],
                now=timezone.now(),
                host=request.get_host(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            request.session.pop(NEW_KEY, None)
            messages.success(request, _("The authenticator app is set up."))
            return _after(request, made)
    issuer = brands.brand_of(request).display_name
    size, path = drawing(factors.address_of(secret, user=person, issuer=issuer))
    context = {
        "form": form,
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        "size": size,
        "path": path,
    }
    return render(request, "accounts/app_add.html", context)


@never_cache
@open_before_second_factor
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_confirmed
def passkey_add(request: HttpRequest) -> HttpResponse:
    """Keep a passkey of this device, a telephone or a stick."""
    person = me(request)
    place = stages.place(request)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = passkeys.add(
                user=person,
                name=form.cleaned_data["name"],
                answer=request.POST.get("answer", ""),
                state=request.session.pop(OFFERED, ""),
                place=place,
                now=timezone.now(),
            )
        except PasskeyRefused as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The passkey is kept. You can log in with it."))
            return _after(request, made)
    question = passkeys.offer(user=person, place=place)
    request.session[OFFERED] = question.state
    return render(request, "accounts/passkey_add.html", {"form": form, "question": question.options})


@open_before_second_factor
@require_POST
@login_required
@recently_confirmed
def factor_remove(request: HttpRequest, key: int) -> HttpResponse:
    """Take one away."""
    factors.remove(user=me(request), key=key, now=timezone.now(), host=request.get_host())
    messages.success(request, _("It is removed."))
    return redirect("accounts:security")


@open_before_second_factor
@require_POST
@login_required
@recently_confirmed
def factor_rename(request: HttpRequest, key: int) -> HttpResponse:
    """Another name for a passkey."""
    factors.rename(user=me(request), key=key, name=request.POST.get("name", ""))
    return redirect("accounts:security")


@open_before_second_factor
@require_POST
@login_required
@recently_confirmed
def codes_renew(request: HttpRequest) -> HttpResponse:
    """New recovery codes; the ones before stop working."""
    return _after(request, factors.renew_codes(user=me(request), now=timezone.now()))


@never_cache
@open_before_second_factor
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The recovery codes, shown once: leaving the page by its button forgets them here."""
    kept = request.session.get(CODES)
    if request.method == "POST" or not kept:
        request.session.pop(CODES, None)
        return redirect("accounts:security")
    return render(request, "accounts/codes.html", {"codes": fields.decrypt(kept).split(" "), "person": request.user})


@open_before_second_factor
@require_POST
@login_required
def login_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Log one browser out."""
    logins.end(user=me(request), login_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("That browser is logged out."))
    return redirect("accounts:security")


@open_before_second_factor
@require_POST
@login_required
def program_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one login through the API."""
    sessions.end_one(user=me(request), session_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("That program is logged out."))
    return redirect("accounts:security")


@open_before_second_factor
@require_POST
@login_required
def logins_end(request: HttpRequest) -> HttpResponse:
    """Log out everywhere but here."""
    person = me(request)
    logins.end_others(user=person, keep=stages.here(request), by=person, now=timezone.now())
    messages.success(request, _("You are logged out everywhere else."))
    return redirect("accounts:security")


def drawing(text: str) -> tuple[int, str]:
    """A QR code as the side of its square and one path, for an SVG in the page itself."""
    code = segno.make(text, error="m", micro=False)
    rows = list(code.matrix_iter(border=4))
    lines = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return len(rows), "".join(lines)


def _after(request: HttpRequest, made: list[str]) -> HttpResponse:
    """To the codes when there are new ones; they wait in the session, unreadable there."""
    if made:
        request.session[CODES] = fields.encrypt(" ".join(made))
        return redirect("accounts:codes")
    return redirect("accounts:security")

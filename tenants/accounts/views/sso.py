"""In by an identity provider, and out again."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from django_tenants.utils import schema_context

from ops.kernel.errors import RateLimited
from tenants.accounts.enums import LoginMethod, SignInPurpose
from tenants.accounts.errors import LinkExpired, SignInRefused
from tenants.accounts.forms.login import ResetRequestForm
from tenants.accounts.gate import open_before_second_factor
from tenants.accounts.models import IdentityProvider, SignIn, User
from tenants.accounts.services import attempts, connections, doors, identity_providers, single_sign_on
from tenants.accounts.views import stages
from tenants.accounts.views.password import link_expired
from tenants.models import Tenant
from tenants.services import domains

BROWSER_COOKIE = "sso_browser"
BROWSER_COOKIE_S = 900
LEFT_KEY = "sso_left"
MANAGE = "accounts.manage_identityprovider"


def base_of(request: HttpRequest) -> str:
    """The address identity providers know this tenant by."""
    return connections.base_of(host=request.get_host(), scheme=request.scheme or "https")


@never_cache
@require_GET
def begin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go to the provider. From another host of the tenant, by way of the main one: only that is known over there."""
    provider = get_object_or_404(IdentityProvider.objects.open(), pk=pk)
    target = stages.wanted(request)
    if request.user.is_authenticated:
        return redirect(target or stages.home())
    return _away(request, provider, next_path=target)


@never_cache
@require_GET
@login_required
@permission_required(MANAGE, raise_exception=True)
def begin_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go to the provider to see whether it works; whoever is logged in stays who they are."""
    provider = identity_providers.get(provider_id=pk)
    return _away(request, provider, purpose=SignInPurpose.TEST, by=request.user)


def _away(request: HttpRequest, provider: IdentityProvider, **options: Any) -> HttpResponse:
    base = base_of(request)
    if base != f"{request.scheme}://{request.get_host()}":
        return redirect(base + request.get_full_path())
    browser = request.COOKIES.get(BROWSER_COOKIE, "")
    if not 20 <= len(browser) <= 64:
        browser = single_sign_on.new_browser()
    try:
        attempts.knock(caller=stages.caller(request))
        url = single_sign_on.begin(
            provider=provider,
            base=base,
            browser=browser,
            now=timezone.now(),
            hint=request.GET.get("hint", "")[:254],
            **options,
        )
    except RateLimited as error:
        return stages.slow_down(request, error)
    except SignInRefused as refusal:
        return refused(request, refusal, provider)
    response = redirect(url)
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=BROWSER_COOKIE_S,
        path="/sso/",
        httponly=True,
        secure=request.is_secure(),
        samesite="Lax",
    )
    return response


@never_cache
@require_GET
def callback(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back from an OpenID provider, with a code."""
    provider = get_object_or_404(IdentityProvider, pk=pk)
    try:
        attempts.knock(caller=stages.caller(request))
        sign_in = single_sign_on.answer_oidc(
            provider=provider,
            base=base_of(request),
            browser=request.COOKIES.get(BROWSER_COOKIE, ""),
            state=request.GET.get("state", ""),
            code=request.GET.get("code", ""),
            error=request.GET.get("error", ""),
            now=timezone.now(),
        )
    except RateLimited as error:
        return stages.slow_down(request, error)
    except SignInRefused as refusal:
        return refused(request, refusal, provider)
    return _finish(request, single_sign_on.ticket(sign_in), provider)


@csrf_exempt
@never_cache
@require_POST
def acs(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A SAML provider's answer. It is posted from the provider's site, so who is in this browser shows one step on."""
    provider = get_object_or_404(IdentityProvider, pk=pk)
    try:
        attempts.knock(caller=stages.caller(request))
        sign_in = single_sign_on.answer_saml(
            provider=provider,
            base=base_of(request),
            response=request.POST.get("SAMLResponse", ""),
            now=timezone.now(),
        )
    except RateLimited as error:
        return stages.slow_down(request, error)
    except SignInRefused as refusal:
        return refused(request, refusal, provider)
    response = redirect("accounts:sso-finish", single_sign_on.ticket(sign_in))
    response.status_code = 303
    return response


@never_cache
@require_GET
def finish(request: HttpRequest, token: str) -> HttpResponse:
    """The step after a SAML answer, on our own site again."""
    return _finish(request, token, None)


def _finish(request: HttpRequest, token: str, provider: IdentityProvider | None) -> HttpResponse:
    now = timezone.now()
    try:
        sign_in = single_sign_on.finish(token=token, browser=request.COOKIES.get(BROWSER_COOKIE, ""), now=now)
    except SignInRefused as refusal:
        return refused(request, refusal, provider)
    if sign_in.purpose == SignInPurpose.TEST:
        return redirect("accounts:sso-tested", sign_in.provider_id, sign_in.pk)
    return _let_in(request, sign_in)


def _let_in(request: HttpRequest, sign_in: SignIn) -> HttpResponse:
    user: Any = sign_in.user
    request.session[single_sign_on.SESSION_KEY] = str(sign_in.pk)
    # Who they are is the provider's business, and so is how sure it is, unless the tenant asks for more.
    vouched = not sign_in.provider.asks_second_factor
    response = stages.proceed(request, user, method=LoginMethod.SSO, target=sign_in.next_path, vouched=vouched)
    response.delete_cookie(BROWSER_COOKIE, path="/sso/")
    return response


def refused(request: HttpRequest, refusal: SignInRefused, provider: IdentityProvider | None) -> HttpResponse:
    """Write down why, and say calmly what to do."""
    single_sign_on.note_refusal(refusal, provider=provider, caller=stages.caller(request), now=timezone.now())
    context = {
        "refusal": refusal,
        "provider": provider,
        "request_id": getattr(request, "request_id", ""),
        "again": bool(provider and provider.enabled and not request.user.is_authenticated),
        "settings": bool(provider and request.user.has_perm(MANAGE)),
    }
    return render(request, "accounts/sso_refused.html", context, status=refusal.status)


@never_cache
@require_safe
def metadata(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Our side of a SAML connection, for the provider to read."""
    provider = get_object_or_404(IdentityProvider, pk=pk)
    body = identity_providers.metadata(provider, base_of(request))
    response = HttpResponse(body, content_type="application/samlmetadata+xml")
    if "download" in request.GET:
        response.headers["Content-Disposition"] = 'attachment; filename="metadata.xml"'
    return response


# --- Out --------------------------------------------------------------------------------------------


@open_before_second_factor
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """What was ended, and what was not."""
    sign_in = single_sign_on.left(request.GET.get("from", ""))
    left = request.session.pop(LEFT_KEY, "") if LEFT_KEY in request.session else ""
    has_logout = bool(sign_in and single_sign_on.logout_url(sign_in=sign_in, base=base_of(request)))
    context = {
        "provider": sign_in.provider if sign_in else None,
        "has_logout": has_logout,
        "left": left,
        "token": request.GET.get("from", "") if sign_in else "",
    }
    return render(request, "accounts/signed_out.html", context)


@open_before_second_factor
@never_cache
@require_GET
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Log out at the provider too: with its own page, or by its logout message."""
    sign_in = single_sign_on.left(token)
    url = single_sign_on.logout_url(sign_in=sign_in, base=base_of(request)) if sign_in else ""
    if sign_in is None or not url:
        return redirect("accounts:signed-out")
    request.session[LEFT_KEY] = sign_in.provider.name
    return redirect(url)


@never_cache
@require_GET
def saml_logout(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A SAML provider ends a session, or answers that it ended its own."""
    provider = get_object_or_404(IdentityProvider, pk=pk)
    try:
        url = single_sign_on.answer_saml_logout(
            provider=provider, base=base_of(request), query=request.GET.dict(), now=timezone.now()
        )
    except SignInRefused as refusal:
        return refused(request, refusal, provider)
    return redirect(url) if url else redirect("accounts:signed-out")


@csrf_exempt
@never_cache
@require_POST
def backchannel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An OpenID provider ends sessions by itself, without a browser."""
    provider = get_object_or_404(IdentityProvider, pk=pk)
    try:
        single_sign_on.answer_back_channel(
            provider=provider, token=request.POST.get("logout_token", ""), now=timezone.now()
        )
    except SignInRefused as refusal:
        single_sign_on.note_refusal(refusal, provider=provider, caller=stages.caller(request), now=timezone.now())
        return HttpResponseBadRequest(refusal.reason, content_type="text/plain")
    return HttpResponse(status=200)


# --- Google comes back to the platform ----------------------------------------------------------------


@never_cache
@require_GET
def google_callback(request: HttpRequest) -> HttpResponse:
    """Google knows one address of the platform; what it carries says which tenant's browser goes on, and there alone."""
    try:
        schema, provider_id, state = single_sign_on.google_state(request.GET.get("state", ""))
    except SignInRefused as refusal:
        return refused(request, refusal, None)
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        tenant = get_object_or_404(Tenant, schema_name=schema)
    query = request.GET.copy()
    query["state"] = state
    path = reverse("accounts:sso-callback", args=[provider_id], urlconf=settings.ROOT_URLCONF)
    return redirect(f"{domains.url_of(tenant, path)}?{query.urlencode()}")


# --- An owner's way back in ---------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recovery(request: HttpRequest) -> HttpResponse:
    """Ask for the link; the answer is the same whoever asks."""
    form = ResetRequestForm(request.POST or None, initial={"email": request.GET.get("email", "")[:254]})
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            may_write = attempts.letter(email=email, caller=stages.caller(request))
        except RateLimited as error:
            return stages.slow_down(request, error)
        if may_write:
            doors.ask_recovery(email=email, host=request.get_host())
        return redirect("accounts:sso-recovery-sent")
    return render(request, "accounts/sso_recovery.html", {"form": form})


@require_safe
def recovery_sent(request: HttpRequest) -> HttpResponse:
    """Look into your mailbox."""
    return render(request, "accounts/sso_recovery_sent.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recovered(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the letter: a button, because mail scanners open links."""
    try:
        person: User = doors.recovering(token=token)
        if request.method == "POST":
            user = doors.recover(token=token, now=timezone.now())
            messages.warning(request, _("You are in past single sign-on. Every owner was told."))
            return stages.proceed(request, user, method=LoginMethod.OTHER, target=reverse("accounts:sso-settings"))
    except LinkExpired as error:
        return link_expired(request, error)
    return render(request, "accounts/sso_recovered.html", {"person": person})

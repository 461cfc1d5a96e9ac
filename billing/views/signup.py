"""Sign up without anybody's help, on the platform's host or a reseller's, in its brand."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing.forms import SignUpForm
from billing.queries import plans
from billing.services import onboarding
from ops.kernel import ratelimit, signing
from ops.kernel.errors import DomainError, RateLimited
from tenants.accounts.forms.base import add_problem
from tenants.errors import SlugTaken
from tenants.models import Tenant
from tenants.queries import progress
from tenants.services import domains, naming

SALT = "billing.sign-up"
TOKEN_AGE_S = 24 * 3600
# Trying out addresses is cheap, making customers is not.
CHECKS, CHECKS_WINDOW_S = 60, 60
SIGN_UPS, SIGN_UPS_WINDOW_S = 5, 3600
# The same form sent twice makes one customer; the same words a day later are somebody else's guess.
SAME_FORM_S = timedelta(hours=1)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """The form; it ends on the page that waits for the preparation."""
    form = SignUpForm(request.POST or None, initial={"language": translation.get_language(), **_wanted(request)})
    if request.method == "POST":
        if form.is_caught:
            # A machine filled in the form: it sees the same page as everybody and nothing is made.
            return render(request, "signup/waiting.html", {"progress": progress.nothing_yet()})
        if form.is_valid():
            try:
                return _sign_up(request, form)
            except RateLimited as error:
                form.add_error(None, str(error))
                return _form(request, form, status=429)
            except DomainError as error:
                add_problem(form, error)
    return _form(request, form, status=422 if form.errors else 200)


def _wanted(request: HttpRequest) -> dict[str, str]:
    """The plan somebody chose on the landing page."""
    plan = request.GET.get("plan", "")
    return {"plan": plan} if plans.is_offered(plan) else {}


def _sign_up(request: HttpRequest, form: SignUpForm) -> HttpResponse:
    rate = ratelimit.hit(f"sign-up:{request.META.get('REMOTE_ADDR', '')}", limit=SIGN_UPS, window_s=SIGN_UPS_WINDOW_S)
    if not rate.allowed:
        raise RateLimited(retry_after=rate.wait_s)
    now = timezone.now()
    made = onboarding.sign_up(**form.answers(), reseller=request.reseller, by=form.cleaned_data["owner_email"], now=now)
    if made.created_at < now - SAME_FORM_S:
        raise SlugTaken(field="slug", slug=made.slug)
    return redirect("signup:waiting", token=signing.dumps([str(made.pk), form.cleaned_data["owner_email"]], salt=SALT))


def _form(request: HttpRequest, form: SignUpForm, *, status: int) -> HttpResponse:
    context = {
        "form": form,
        "domain": settings.PLATFORM_DOMAIN,
        "plans": plans.choices(reseller=request.reseller, now=timezone.now()),
        "check_url": reverse("signup:check-address"),
    }
    return render(request, "signup/form.html", context, status=status)


@require_safe
def check_address(request: HttpRequest) -> JsonResponse:
    """Whether an address is free, for the form's live check."""
    rate = ratelimit.hit(f"sign-up-check:{request.META.get('REMOTE_ADDR', '')}", limit=CHECKS, window_s=CHECKS_WINDOW_S)
    if not rate.allowed:
        raise RateLimited(retry_after=rate.wait_s)
    return JsonResponse(naming.judge(name=request.GET.get("name", ""), slug=request.GET.get("slug", "")))


@never_cache
@require_safe
def waiting(request: HttpRequest, token: str) -> HttpResponse:
    """How far the preparation is; afterwards where to look for the letter."""
    tenant, email = _behind(request, token)
    how = progress.of(tenant)
    context = {
        "tenant": tenant,
        "email": email,
        "address": domains.url_of(tenant),
        "state_url": reverse("signup:state", args=[token]),
        "progress": how,
    }
    return render(request, "signup/done.html" if how.is_ready else "signup/waiting.html", context)


@never_cache
@require_safe
def state(request: HttpRequest, token: str) -> JsonResponse:
    """The state of the preparation, for the page that waits for it."""
    tenant, _email = _behind(request, token)
    return JsonResponse(progress.of(tenant).as_json())


def _behind(request: HttpRequest, token: str) -> tuple[Tenant, str]:
    """The customer a sign-up made, on the host it was made at."""
    try:
        key, email = signing.loads(token, salt=SALT, max_age=TOKEN_AGE_S)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Http404 from error
    tenant = Tenant.objects.living().filter(pk=key, reseller=request.reseller).first()
    if tenant is None:
        raise Http404
    return tenant, email

"""API tokens: keys for programs, shown once."""

import secrets
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from ops.kernel.registry import permission_areas
from tenants.accounts.enums import TokenKind
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.tokens import ServiceTokenForm, TokenForm, TokenPolicyForm
from tenants.accounts.models import ApiToken, User
from tenants.accounts.permissions import CREATE_TOKENS, MANAGE_TOKENS
from tenants.accounts.services import scopes, tokens

PAGE_SIZE = 50
# A form that is sent twice (reloading the page that shows a token) makes one token.
FORM_KEPT_S = 24 * 3600


@login_required
@permission_required(CREATE_TOKENS, raise_exception=True)
@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """My tokens; for who manages them also those of services and of everybody."""
    me = cast(User, request.user)
    manages = me.has_perm(MANAGE_TOKENS)
    which = request.GET.get("show", "") if manages else ""
    rows = ApiToken.objects.listed()
    if which == "service":
        rows = rows.filter(kind=TokenKind.SERVICE)
    elif which == "people":
        rows = rows.filter(kind=TokenKind.PERSONAL)
    else:
        which, rows = "", rows.of(me)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    context: dict[str, Any] = {
        "page": page,
        "rows": [{"token": row, "may": _in_words(row), "state": _state(row, now)} for row in page.object_list],
        "which": which,
        "manages": manages,
        "policy": TokenPolicyForm(initial={"max_days": tokens.max_days()}) if manages else None,
        "chips": [
            {"label": label, "url": f"?{urlencode({'show': key})}" if key else "?", "current": key == which}
            for key, label in (("", _("Mine")), ("service", _("Services")), ("people", _("Everybody's")))
        ],
        "previous_url": _page_url(which, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _page_url(which, page.next_page_number()) if page.has_next() else "",
        "words": _("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
    }
    return render(request, "accounts/tokens/list.html", context)


@never_cache
@sensitive_variables("plain")
@login_required
@permission_required(CREATE_TOKENS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def token_add(request: HttpRequest) -> HttpResponse:
    """Make a token that acts as me."""
    me = cast(User, request.user)
    form = TokenForm(
        request.POST if request.method == "POST" else None,
        longest=tokens.max_days(),
        default=tokens.DEFAULT_DAYS,
        holds=frozenset(me.get_all_permissions()),
    )
    return _make(request, form, service=False)


@never_cache
@login_required
@permission_required(MANAGE_TOKENS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def service_token_add(request: HttpRequest) -> HttpResponse:
    """Make a token that belongs to nobody."""
    form = ServiceTokenForm(
        request.POST if request.method == "POST" else None,
        longest=tokens.max_days(),
        default=tokens.DEFAULT_DAYS,
        by=request.user,
    )
    return _make(request, form, service=True)


@sensitive_variables("plain")
def _make(request: HttpRequest, form: TokenForm, *, service: bool) -> HttpResponse:
    me = cast(User, request.user)
    once = request.POST.get("once", "")[:64]
    if request.method == "POST" and form.is_valid():
        if once and cache.get(_form_key(me, once)):
            messages.info(request, _("That token was made already. Its text is shown once only."))
            return redirect("accounts:tokens")
        data = form.cleaned_data
        said = {
            "name": data["name"],
            "scope_names": data["scopes"],
            "days": data["days"],
            "host": request.get_host(),
            "now": timezone.now(),
        }
        try:
            if service:
                token, plain = tokens.create_service(by=me, role=data["role"], **said)
            else:
                token, plain = tokens.create_personal(user=me, **said)
        except DomainError as error:
            add_problem(form, error)
        else:
            cache.set(_form_key(me, once), 1, FORM_KEPT_S)
            host = f"{request.scheme}://{request.get_host()}"
            return render(
                request,
                "accounts/tokens/made.html",
                {"token": token, "plain": plain, "may": _in_words(token), "host": host},
            )
    context = {"form": form, "service": service, "once": once or secrets.token_urlsafe(16)}
    return render(request, "accounts/tokens/add.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(CREATE_TOKENS, raise_exception=True)
@require_POST
def token_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a token at once."""
    tokens.revoke(token_id=pk, by=cast(User, request.user), now=timezone.now())
    messages.success(request, _("The token is revoked. Programs that have it stop now."))
    which = request.POST.get("show", "")
    url = redirect("accounts:tokens")
    if which in {"service", "people"}:
        url["Location"] += f"?{urlencode({'show': which})}"
    return url


@login_required
@permission_required(MANAGE_TOKENS, raise_exception=True)
@require_POST
def token_policy(request: HttpRequest) -> HttpResponse:
    """Change how long new tokens may live."""
    form = TokenPolicyForm(request.POST)
    if form.is_valid():
        tokens.set_max_days(days=form.cleaned_data["max_days"], by=request.user, now=timezone.now())
        messages.success(request, _("The rule is saved. It holds for new tokens."))
    else:
        messages.error(request, _("Choose between 1 and %(limit)s days.") % {"limit": 730})
    return redirect("accounts:tokens")


def _in_words(token: ApiToken) -> list[str]:
    if scopes.ALL in token.scopes:
        return [_("Everything the role allows")]
    said = []
    for scope in token.scopes:
        key, _colon, how = scope.partition(":")
        area = permission_areas.get(key)
        if area is not None:
            words = _("%(area)s: look") if how == scopes.READ else _("%(area)s: look and change")
            said.append(words % {"area": area.label})
    return said


def _state(token: ApiToken, now: Any) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "ended"
    return "ending" if token.expires_at <= now + tokens.WARNED_BEFORE else "live"


def _form_key(user: User, once: str) -> str:
    return f"accounts.token-form:{user.pk}:{once}"


def _page_url(which: str, number: int) -> str:
    return "?" + urlencode(({"show": which} if which else {}) | {"page": str(number)})

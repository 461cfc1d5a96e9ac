"""From the Host header to a tenant, a language and a time zone; and what a tenant's state allows."""

import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import set_urlconf
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.html import escape
from django.utils.translation import gettext as _

from ops.kernel.errors import PROBLEM_JSON, DomainError, problem, response_for, wants_problem_json
from tenants import errors
from tenants.enums import TenantStatus
from tenants.gate import is_open_always, is_open_when_suspended
from tenants.queries import hosts

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TenantMiddleware:
    """Puts `request.tenant`, `request.reseller` and the schema in place, or answers 404 for a host nobody has."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A worker thread comes here from another request, perhaps of another tenant.
        connection.set_schema_to_public()
        host = hosts.normalise(_raw_host(request))
        site = hosts.site_of(host) if host else None
        if site is None:
            return _unknown_host(request)
        # The header is judged here, so that nothing behind has to doubt it: `request.get_host()` never raises.
        if not _is_plain(request):
            return _unknown_host(request)
        request.tenant = site.tenant
        request.reseller = site.reseller
        connection.set_tenant(site.tenant)
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF if site.tenant.is_public else settings.ROOT_URLCONF
        set_urlconf(request.urlconf)
        return self.get_response(request)


def _raw_host(request: HttpRequest) -> str:
    raw = request.META.get("HTTP_HOST", "")
    if not raw:
        name = str(request.META.get("SERVER_NAME", ""))
        raw = f"[{name}]" if ":" in name else name
    try:
        # Servers hand the header over as Latin-1; browsers send IDNA, other clients now and then UTF-8.
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _is_plain(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except Exception:  # noqa: BLE001 — DisallowedHost, or whatever a hostile header provokes
        return False
    return True


def _unknown_host(request: HttpRequest) -> HttpResponse:
    """No brand, no template: there is nobody to speak for, and the database may not have been asked."""
    error = errors.NotFound(_("No site answers at this address."))
    if wants_problem_json(request):
        return JsonResponse(
            problem(error, request_id=getattr(request, "request_id", "")), status=404, content_type=PROBLEM_JSON
        )
    title = escape(str(error))
    return HttpResponse(
        f'<!doctype html><html lang="{translation.get_language()}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>404</h1><p>{title}</p></main></body></html>",
        status=404,
    )


class LocaleMiddleware:
    """The language of the person, else of the cookie, else of the tenant; and the tenant's time zone.

    What the browser asks for counts only on the platform's own pages: a bakery in Recife speaks Portuguese to its
    staff, whatever language the computers were sold with.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = translation.get_language()
        self._activate(request, _language_without_person(request))
        try:
            zone = ZoneInfo(request.tenant.time_zone)
        except (KeyError, ValueError, OSError):
            zone = ZoneInfo(settings.TIME_ZONE)
        with timezone.override(zone):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
            if "public" not in response.headers.get("Cache-Control", ""):  # the same file for everybody
                patch_vary_headers(response, ("Cookie", "Accept-Language") if request.tenant.is_public else ("Cookie",))
        if before is not None:
            translation.activate(before)
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Now the person can be known. Only a browser with a session is asked about; tokens bring no choice."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        chosen = getattr(request.user, "language", "")
        if chosen in dict(settings.LANGUAGES) and chosen != request.LANGUAGE_CODE:
            self._activate(request, chosen)

    @staticmethod
    def _activate(request: HttpRequest, language: str) -> None:
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()


def _language_without_person(request: HttpRequest) -> str:
    known = dict(settings.LANGUAGES)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in known:
        return chosen
    if request.tenant.is_public:
        return translation.get_language_from_request(request)
    return request.tenant.language if request.tenant.language in known else settings.LANGUAGE_CODE


class StatusGateMiddleware:
    """What a tenant's state allows, decided once the view is known and before it runs.

    Preparing: a page that waits. Suspended: pages can be read, nothing can be changed, the API answers 402.
    Archived, or a reseller that left: closed. Views say with `@open_when_suspended` or `@open_always` that they are
    exceptions (login, paying, the brand's own files).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.is_read_only = request.tenant.status == TenantStatus.SUSPENDED  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> HttpResponse | None:
        """Refuse, or let the view run."""
        refusal = self._refusal(request, view)
        if refusal is None:
            return None
        if wants_problem_json(request):
            return response_for(request, refusal)
        return _closed_page(request, refusal)

    @staticmethod
    def _refusal(request: HttpRequest, view: Callable[..., HttpResponse]) -> DomainError | None:
        if is_open_always(request, view):
            return None
        tenant = request.tenant
        if request.reseller is not None and not request.reseller.is_active:
            return errors.TenantClosed()
        if tenant.is_public or tenant.status == TenantStatus.ACTIVE:
            return None
        if tenant.status == TenantStatus.PROVISIONING:
            return errors.TenantNotReady()
        if tenant.status != TenantStatus.SUSPENDED:
            return errors.TenantClosed()
        if is_open_when_suspended(request, view):
            return None
        # A page's own script reads with the session; a program comes with a token and is told to stop.
        if request.method in SAFE_METHODS and "Authorization" not in request.headers:
            return None
        return errors.TenantSuspended()


def _closed_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    template = {503: "tenants/preparing.html", 402: "tenants/suspended.html"}.get(refusal.status, "tenants/closed.html")
    response = render(request, template, {"refusal": refusal}, status=refusal.status)
    if refusal.status == 503:
        response.headers["Retry-After"] = "5"
        response.headers["Refresh"] = "5"
    response.headers["Cache-Control"] = "no-store"
    return response

"""From the Host header to a tenant, a language and a time zone; and what a tenant's state allows."""

import contextlib
import hmac
import ipaddress
import logging
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import logout
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware, RejectRequest
from django.shortcuts import render
from django.urls import set_urlconf
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.html import escape
from django.utils.translation import gettext as _

from ops.kernel.errors import PROBLEM_JSON, DomainError, error_page, problem, response_for, wants_problem_json
from tenants import errors
from tenants.enums import TenantStatus
from tenants.gate import ENTRY_KEY, is_open_always, is_open_to_support, is_open_when_suspended
from tenants.queries import hosts
from tenants.services import domains, support

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


# What is not a page: programs, other sites and open tabs keep the host they know.
NOT_PAGES = (
    "/api/",
    "/widget",
    "/webhooks/",
    "/brand",
    "/static/",
    "/media/",
    "/favicon.ico",
    "/internal/",
    "/.well-known/",
)


class EdgeMiddleware:
    """`GET /internal/tls-allowed?domain=`: 200 when a site answers at the host, else 404; for the edge, which asks it
    before it gets a certificate. And the answer to the check of domains, `/.well-known/domain-check`.

    It stands before the tenant middleware, because the edge knows no tenant's host. Nothing is written and hardly
    anything is read: all hosts are known in memory.
    """

    PATH = "/internal/tls-allowed"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == hosts.PROBE_PATH:
            return _probed(request)
        if request.path.rstrip("/") != self.PATH:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        if not _is_the_edge(request):
            body = problem(errors.NotFound(), request_id=getattr(request, "request_id", ""))
            return JsonResponse(body, status=404, content_type=PROBLEM_JSON)
        host = hosts.normalise(request.GET.get("domain", ""))
        return HttpResponse(
            status=200 if host and hosts.answering(host) else 404, headers={"Cache-Control": "no-store"}
        )


def _probed(request: HttpRequest) -> HttpResponse:
    """Say that visits of this host arrive here, also through somebody's proxy; the check of domains asks."""
    host = hosts.normalise(_raw_host(request))
    if not host or not hosts.answering(host):
        return HttpResponse(status=404)
    return HttpResponse(hosts.probe_word(host), content_type="text/plain", headers={"Cache-Control": "no-store"})


def _is_the_edge(request: HttpRequest) -> bool:
    """The edge's token, or a caller on this machine or a private network that no proxy stands before.

    An edge that cannot send headers (Caddy's `ask`) may put the token into the address.
    """
    token = settings.EDGE_TOKEN
    if token:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.GET.get("token", "")
        if hmac.compare_digest(sent.encode(), token.encode()):
            return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    address = request.META.get("REMOTE_ADDR", "")
    if not address:
        # A Unix socket has no address; only processes of this machine reach it.
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_loopback or found.is_private


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's, where every proven host of the same owner is a trusted origin: known at once, without a restart.

    A form that was open when the main address changed, or that a redirect carried over, is not refused.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        return super()._origin_verified(request) or _is_sibling(request, request.META["HTTP_ORIGIN"])  # type: ignore[misc]

    def _check_referer(self, request: HttpRequest) -> None:
        try:
            super()._check_referer(request)  # type: ignore[misc]
        except RejectRequest:
            if not _is_sibling(request, request.META.get("HTTP_REFERER", "")):
                raise


def _is_sibling(request: HttpRequest, origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme != request.scheme or str(port or "") not in {request.get_port(), ""}:
        return False
    host = hosts.normalise(parts.hostname or "")
    return host is not None and host in getattr(request, "site_hosts", ())


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
        if site.leads_to and _is_visit(request):
            # Not to be kept: another main address may be chosen, and two kept redirects would chase each other.
            return HttpResponsePermanentRedirect(
                domains.address_at(site.leads_to, request.get_full_path()),
                preserve_request=True,
                headers={"Cache-Control": "no-store"},
            )
        request.tenant = site.tenant
        request.reseller = site.reseller
        request.site_hosts = site.siblings  # type: ignore[attr-defined]
        request.has_news, request.support_waits = site.has_news, site.support_waits  # type: ignore[attr-defined]
        connection.set_tenant(site.tenant)
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF if site.tenant.is_public else settings.ROOT_URLCONF
        set_urlconf(request.urlconf)
        return self.get_response(request)


def _is_visit(request: HttpRequest) -> bool:
    """Whether somebody opens a page in a tab of its own. What a page, a frame, a program or a form asks for stays."""
    if request.method not in {"GET", "HEAD"} or request.path.startswith(NOT_PAGES):
        return False
    if "HX-Request" in request.headers or "Authorization" in request.headers:
        return False
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


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
        place = getattr(request.user, "time_zone", "")
        if place:
            with contextlib.suppress(KeyError, ValueError, OSError):
                timezone.activate(ZoneInfo(place))  # the override around the request takes it back

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


class SupportMiddleware:
    """A visit of support, looked at before every view: is it still on, is the door open to it, and what did it do.

    Everybody else passes without a question: a login of support is recognised by the person that was read anyway.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.support = None  # type: ignore[attr-defined]
        response = self.get_response(request)
        visit = request.support  # type: ignore[attr-defined]
        if visit is None:
            return response
        if _is_export(response):
            response = _refused(request, errors.ClosedToSupport())
            _note(request, visit, "tenants.support_stopped", response.status_code)
        elif request.method not in SAFE_METHODS:
            _note(request, visit, "tenants.support_acted", response.status_code)
        elif response.status_code == 200 and _is_page(request, response):
            _note(request, visit, "tenants.support_opened", response.status_code)
        # Nothing of the customer stays in the browser of support: the button "back" finds nothing after leaving.
        response.headers["Cache-Control"] = "no-store"
        return response

    def process_view(self, request: HttpRequest, view: object, *_: object) -> HttpResponse | None:
        """Refuse when the visit is over or the door is closed to it."""
        if request.tenant.is_public or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        user = request.user
        if not getattr(user, "is_support", False):
            return None
        entry = str(request.session.get(ENTRY_KEY, ""))
        visit = support.visit_of(user=user, entry=entry, tenant=request.tenant, now=timezone.now())
        if visit is None:
            logout(request)
            name = request.resolver_match.view_name if request.resolver_match else ""
            return None if name in OPEN_AFTERWARDS else _refused(request, errors.VisitOver())
        request.support = visit  # type: ignore[attr-defined]
        name = request.resolver_match.view_name if request.resolver_match else ""
        if is_open_to_support(name, request.method or "GET"):
            return None
        refusal = _refused(request, errors.ClosedToSupport())
        if request.method in SAFE_METHODS:
            _note(request, visit, "tenants.support_stopped", refusal.status_code)
        return refusal


# What a browser whose visit has just ended may still open: the next link, and the brand's own files.
OPEN_AFTERWARDS = frozenset(
    {"tenants:support-enter", "tenants:brand-css", "tenants:brand-logo", "tenants:brand-favicon", "tenants:favicon"}
)


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    if wants_problem_json(request):
        return response_for(request, error)
    return error_page(request, status=error.status, detail=str(error), code=error.code)


def _is_export(response: HttpResponse) -> bool:
    """A table or an archive of the customer's data."""
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
    return kind in {"text/csv", "application/zip", "application/gzip"} or (is_file and kind == "application/json")


def _is_page(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        response.headers.get("Content-Type", "").startswith("text/html") and "HX-Request" not in request.headers
    ) or request.headers.get("HX-Boosted") == "true"


def _note(request: HttpRequest, visit: support.Visit, act: str, status: int) -> None:
    support.record_act(
        visit=visit,
        tenant=request.tenant,
        user=request.user,
        act=act,
        detail={"method": request.method, "path": request.path[:200], "status": status},
        now=timezone.now(),
    )

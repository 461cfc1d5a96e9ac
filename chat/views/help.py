"""The public help centre. Its pages are the same for everybody: no session, no cookie, one drawing for all who ask."""

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.crypto import salted_hmac
from django.utils.http import content_disposition_header, parse_etags, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from chat.enums import QuestionSource
from chat.errors import AttachmentNotFound
from chat.models import Inbox
from chat.queries import articles as finding
from chat.queries import shelves
from chat.services import article_pictures, articles, helpcentre, questions
from ops.kernel import ratelimit
from ops.kernel.errors import PermissionRefused, RateLimited
from tenants.queries import brands
from tenants.services import domains

log = logging.getLogger(__name__)

KEPT_S = 3600
# Browsers ask again each time and mostly hear "not modified"; an edge may answer for a minute.
FRESH = {"public": True, "max_age": 0, "s_maxage": 60, "must_revalidate": True}
RESULTS = 20
# Below this a search found words, not an answer: writers should know.
ANSWERED = 0.3
LANGUAGES = {code for code, _name in settings.LANGUAGES}
TEMPLATES = Path(settings.BASE_DIR) / "templates" / "help"


def _drawn_with() -> str:
    """Changes with the release: what these pages look like."""
    files = sorted(TEMPLATES.glob("*.html"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


DRAWN_WITH = _drawn_with()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Shelves and the search."""
    locale = _language(request)

    def context() -> dict[str, Any]:
        have = shelves.languages()
        return {
            "shelves": shelves.shelves(locale=locale),
            "path": _home(locale),
            "alternates": {code: _home(code) for code in have},
        }

    return _page(request, "help/home.html", locale=locale, key="home", context=context)


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """One shelf."""
    shelf = shelves.category(slug)
    if shelf is None or not shelf.articles or shelf.category is None:
        raise Http404
    row = shelf.category

    def context() -> dict[str, Any]:
        return {
            "shelf": shelf,
            "category": row,
            "path": reverse("chat:help-category", args=[row.slug]),
            "alternates": {
                code: reverse("chat:help-category", args=[slug])
                for code, slug in shelves.category_translations(row).items()
            },
        }

    return _page(request, "help/category.html", locale=row.locale, key=f"category:{slug}", context=context)


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One answer, with its contents, what is near it, and the question whether it helped."""
    row = shelves.article(slug)
    if row is None:
        raise Http404

    def context() -> dict[str, Any]:
        previous, following = shelves.neighbours(row)
        return {
            "article": row,
            "toc": row.toc if len(row.toc) > 1 else [],
            "previous": previous,
            "following": following,
            "related": shelves.related(row),
            "path": reverse("chat:help-article", args=[row.slug]),
            "alternates": {
                code: reverse("chat:help-article", args=[slug]) for code, slug in shelves.translations(row).items()
            },
        }

    return _page(request, "help/article.html", locale=row.locale, key=f"article:{slug}", context=context)


@require_safe
def picture(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """A picture of an article: for everybody once an article with it is published, before that for who writes."""
    try:
        stored, public = article_pictures.shown(key=pk)
    except AttachmentNotFound:
        # Only now: a page of the help centre asks for no session.
        stored, public = article_pictures.shown(key=pk, by=request.user)
    headers = {
        "Content-Length": str(stored.size),
        "Content-Disposition": content_disposition_header(False, stored.name) or "inline",
        "Cache-Control": "public, max-age=86400" if public else "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return StreamingHttpResponse(stored.read(0, stored.size), content_type=stored.mime, headers=headers)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Results in a page of their own; while somebody types, htmx takes only the list."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    locale = _language(request)
    if not helpcentre.shown(locale).enabled:
        raise Http404
    _refuse_hurry(request, "search", limit=90, window_s=60)
    typing = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Trigger-Name") == "q"
    hits = finding.search(text, locale=locale, limit=RESULTS, typing=typing) if text else []
    unanswered = text and not typing and request.method == "GET" and not (hits and hits[0].score >= ANSWERED)
    # A script could fill the writers' list; a person asks a few things.
    if unanswered and _rate(request, "asked", limit=10, window_s=3600).allowed:
        day = timezone.localdate().isoformat()
        said = hashlib.sha256(" ".join(text.lower().split()).encode()).hexdigest()[:16]
        questions.collect(
            text=text,
            locale=locale,
            source=QuestionSource.SEARCH,
            key=f"search:{day}:{_reader(request)[:16]}:{said}",
            now=timezone.now(),
        )
    with translation.override(locale):
        response = render(
            request,
            "help/search.html",
            {
                **_frame(request, locale),
                "text": text,
                "hits": [{"hit": hit, "snippet": finding.snippet(hit)} for hit in hits],
                "path": reverse("chat:help-search"),
                "alternates": {},
                "noindex": True,
            },
        )
    response.headers["Content-Language"] = locale
    patch_cache_control(response, no_store=True)
    return response


@csrf_exempt  # nobody is logged in here: there is nothing to forge but one more voice, and those are counted by reader
@require_POST
def feedback(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether the article helped, then perhaps why not."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise PermissionRefused()
    row = shelves.article(slug)
    helpful = {"yes": True, "no": False}.get(request.POST.get("helpful", ""))
    if row is None or helpful is None or not helpcentre.shown(row.locale).enabled:
        raise Http404
    _refuse_hurry(request, "feedback", limit=20, window_s=600)
    words = request.POST.get("words", "")
    articles.rate(article=row, helpful=helpful, words=words, reader=_reader(request), now=timezone.now())
    with translation.override(row.locale):
        response = render(
            request,
            "help/_feedback.html" if request.headers.get("HX-Request") == "true" else "help/thanks.html",
            {
                **_frame(request, row.locale),
                "article": row,
                "helpful": helpful,
                "said": bool(words.strip()),
                "path": reverse("chat:help-article", args=[row.slug]),
                "alternates": {},
                "noindex": True,
            },
        )
    patch_cache_control(response, no_store=True)
    return response


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every public page with its translations, for search engines."""
    if not helpcentre.shown(settings.LANGUAGE_CODE).enabled:
        raise Http404
    names = {"article": "chat:help-article", "category": "chat:help-category"}
    pages = [
        {**page, "url": domains.url_of(request.tenant, reverse(names[page["kind"]], args=[page["slug"]]))}  # type: ignore[attr-defined]
        for page in shelves.addresses()
    ]
    groups: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for page in pages:
        groups.setdefault((page["kind"], page["group"]), []).append(page)
    for page in pages:
        siblings = groups[page["kind"], page["group"]]
        page["alternates"] = siblings if len(siblings) > 1 else []
    newest = max((page["at"] for page in pages), default=datetime(2026, 1, 1, tzinfo=UTC))
    body = render_to_string(
        "help/sitemap.xml",
        {
            "home": domains.url_of(request.tenant, reverse("chat:help")),  # type: ignore[attr-defined]
            "newest": newest,
            "pages": pages,
        },
    )
    return _conditional(request, body.encode(), content_type="application/xml; charset=utf-8")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines read the help centre and nothing else of a tenant's host."""
    lines = ["User-agent: *"]
    if helpcentre.shown(settings.LANGUAGE_CODE).enabled:
        lines += [
            f"Disallow: {reverse('chat:help-search')}",
            f"Allow: {reverse('chat:help')}",
            "Allow: /brand.css",
            "Allow: /static/",
            "Disallow: /",
            "",
            f"Sitemap: {domains.url_of(request.tenant, reverse('chat:help-sitemap'))}",  # type: ignore[attr-defined]
        ]
    else:
        lines += ["Disallow: /"]
    return _conditional(request, "\n".join([*lines, ""]).encode(), content_type="text/plain; charset=utf-8")


# --- How a page is made -------------------------------------------------------------------------------


def _page(
    request: HttpRequest, template: str, *, locale: str, key: str, context: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """The page from the cache of drawn pages, drawn anew when anything it shows has changed."""
    help_centre = helpcentre.shown(locale)
    if not help_centre.enabled:
        raise Http404
    brand = brands.brand_of(request)
    stamp = "|".join(
        (shelves.stamp(), str(help_centre.version), brand.css_version, brand.display_name, brand.logo_url, DRAWN_WITH)
    )
    version = hashlib.sha256(f"{stamp}|{locale}|{key}|{settings.DEBUG}".encode()).hexdigest()[:32]
    if quote_etag(version) in _sent(request):
        response: HttpResponse = HttpResponseNotModified()
    else:
        body = None if settings.DEBUG else _kept(version)
        if body is None:
            with translation.override(locale):
                shown = context()
                shown["alternates"] = {
                    code: shown["alternates"][code] for code, _name in settings.LANGUAGES if code in shown["alternates"]
                }
                body = render(request, template, {**_frame(request, locale), **shown}).content
            _keep(version, body)
        response = HttpResponse(body)
    response.headers["ETag"] = quote_etag(version)
    response.headers["Content-Language"] = locale
    patch_cache_control(response, **FRESH)
    return response


def _frame(request: HttpRequest, locale: str) -> dict[str, Any]:
    """What every page has around it. Theme and density stay the browser's own: a page is the same for everybody."""
    help_centre = helpcentre.shown(locale)
    inbox = Inbox.objects.active().filter(channel="web").order_by("created_at", "pk").first()
    return {
        "help": help_centre,
        "locale": locale,
        "theme": "",
        "density": "",
        "origin": domains.url_of(request.tenant, "").rstrip("/"),  # type: ignore[attr-defined]
        "home_path": _home(locale),
        "chat_token": inbox.website_token if inbox is not None and help_centre.show_chat else "",
        "language_names": {"pt-br": "Português", "en": "English"},
        "title": help_centre.title or _("How can we help?"),
    }


def _kept(version: str) -> bytes | None:
    try:
        found = cache.get(f"help:{version}")
    except redis.RedisError as error:
        log.warning("Help pages are drawn without the cache: %s", error)
        return None
    return found if isinstance(found, bytes) else None


def _keep(version: str, body: bytes) -> None:
    try:
        cache.set(f"help:{version}", body, KEPT_S)
    except redis.RedisError as error:
        log.warning("Help page not kept: %s", error)


def _conditional(request: HttpRequest, body: bytes, *, content_type: str) -> HttpResponse:
    version = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    found = version in _sent(request)
    response = HttpResponseNotModified() if found else HttpResponse(body, content_type=content_type)
    response.headers["ETag"] = version
    patch_cache_control(response, **FRESH)
    return response


def _sent(request: HttpRequest) -> set[str]:
    return {tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))}


def _language(request: HttpRequest) -> str:
    """Of pages that exist in several languages at one address: as asked for, else the company's own."""
    asked = request.GET.get("lang", "")
    tenant: Any = request.tenant  # type: ignore[attr-defined]
    own = tenant.language if tenant.language in LANGUAGES else settings.LANGUAGE_CODE
    return shelves.language_for(*([asked] if asked in LANGUAGES else []), own)


def _home(locale: str) -> str:
    return f"{reverse('chat:help')}?lang={locale}"


def _reader(request: HttpRequest) -> str:
    """One reader for a day: nobody is found again by it, and it cannot be guessed from an address."""
    day = timezone.localdate().isoformat()
    return salted_hmac("chat.help.reader", f"{day}:{request.META.get('REMOTE_ADDR', '')}").hexdigest()


def _refuse_hurry(request: HttpRequest, what: str, *, limit: int, window_s: int) -> None:
    rate = _rate(request, what, limit=limit, window_s=window_s)
    if not rate.allowed:
        raise RateLimited(retry_after=rate.wait_s)


def _rate(request: HttpRequest, what: str, *, limit: int, window_s: int) -> ratelimit.Rate:
    return ratelimit.hit(f"help.{what}.{request.META.get('REMOTE_ADDR', '')}", limit=limit, window_s=window_s)

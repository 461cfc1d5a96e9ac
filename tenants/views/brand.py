"""The files of a host's brand: stylesheet, logo, favicon. The same for everybody, so they are cached hard."""

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.templatetags.static import static
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.http import require_safe
from django_tenants.utils import schema_context

from tenants.gate import open_always
from tenants.queries import brands

KINDS = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "ico": "image/x-icon"}
YEAR_S = 365 * 24 * 3600
HOUR_S = 3600


@open_always
@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """Colours and custom CSS of the tenant, of the reseller's console, or of the platform."""
    brand = brands.brand_of(request)
    return _answer(request, brand.css.encode(), kind="text/css; charset=utf-8", version=brand.css_version)


@open_always
@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """The logo; 404 where none was uploaded, pages then draw the name's initials."""
    return _file(request, brands.brand_of(request).logo)


@open_always
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The favicon; 404 where none was uploaded, pages then use the product's mark."""
    return _file(request, brands.brand_of(request).favicon)


@open_always
@require_safe
def icon_of_the_site(request: HttpRequest) -> HttpResponse:
    """Where browsers and mail programs look without being told: the brand's favicon, else the product's mark."""
    response = HttpResponseRedirect(brands.brand_of(request).favicon_url or static("img/mark.svg"))
    patch_cache_control(response, public=True, max_age=HOUR_S)
    return response


def _file(request: HttpRequest, file: brands.File | None) -> HttpResponse:
    if file is None:
        raise Http404
    kind = KINDS[file.name.rsplit(".", 1)[-1]]
    if _is_known(request, file.version):
        return _dressed(request, HttpResponseNotModified(), version=file.version)
    with schema_context(file.schema):
        try:
            with default_storage.open(file.name) as stored:
                body = stored.read()
        except FileNotFoundError as error:
            raise Http404 from error
    return _answer(request, body, kind=kind, version=file.version)


def _answer(request: HttpRequest, body: bytes, *, kind: str, version: str) -> HttpResponse:
    if _is_known(request, version):
        return _dressed(request, HttpResponseNotModified(), version=version)
    return _dressed(request, HttpResponse(body, content_type=kind), version=version)


def _is_known(request: HttpRequest, version: str) -> bool:
    sent = parse_etags(request.headers.get("If-None-Match", ""))
    return quote_etag(version) in {tag.removeprefix("W/") for tag in sent} or sent == ["*"]


def _dressed(request: HttpRequest, response: HttpResponse, *, version: str) -> HttpResponse:
    response.headers["ETag"] = quote_etag(version)
    if request.GET.get("v") == version:
        patch_cache_control(response, public=True, max_age=YEAR_S, immutable=True)
    else:
        # Asked for without its version: keep it, but ask each time whether it is still the one.
        patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    return response

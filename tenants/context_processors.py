"""What every page knows: whose brand it wears, and the frame around it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext

from ops.kernel.registry import NavItem, nav, settings_pages
from tenants.models import ImpersonationGrant
from tenants.permissions import MANAGE_SUPPORT_ACCESS
from tenants.queries import alerts, brands, visits
from tenants.services import announcements

THEMES = frozenset({"light", "dark"})
DENSITIES = frozenset({"comfortable", "compact"})


def brand(request: HttpRequest) -> dict[str, Any]:
    """`brand.display_name`, `.logo_url`, `.favicon_url`, `.css_url`, `.primary`: the tenant's, else its reseller's, else ours."""
    return {"brand": SimpleLazyObject(lambda: brands.brand_of(request))}


def shell(request: HttpRequest) -> dict[str, Any]:
    """`shell.areas` and the rest of the frame, and how this browser wants pages to look."""
    theme = request.COOKIES.get("theme", "")
    density = request.COOKIES.get("density", "")
    return {
        "shell": SimpleLazyObject(lambda: _shell(request)),
        "theme": theme if theme in THEMES else "",
        "density": density if density in DENSITIES else "",
        "languages": settings.LANGUAGES,
        "tenant": getattr(request, "tenant", None),
        "is_read_only": getattr(request, "is_read_only", False),
        "support": getattr(request, "support", None),
        "notices": SimpleLazyObject(lambda: _notices(request)),
        "support_asks": SimpleLazyObject(lambda: _support_asks(request)),
    }


def _notices(request: HttpRequest) -> list[dict[str, Any]]:
    """Announcements this person has not put away; nothing is asked while nobody announces anything."""
    user = getattr(request, "user", None)
    if not getattr(request, "has_news", False) or user is None or not user.is_authenticated or user.is_support:
        return []
    find = announcements.for_console if request.tenant.is_public else announcements.for_page
    name = "platform" if request.tenant.is_public else "tenant"
    found = find(**{name: request.tenant}, person_id=user.pk, now=timezone.now())  # type: ignore[operator]
    return [notice.in_language(get_language()) for notice in found]


def _support_asks(request: HttpRequest) -> ImpersonationGrant | None:
    """The request of support that waits for this owner's answer."""
    if not getattr(request, "support_waits", False) or not request.user.has_perm(MANAGE_SUPPORT_ACCESS):
        return None
    return visits.waiting(request.tenant, now=timezone.now())


@dataclass(frozen=True, slots=True)
class Area:
    """An entry of the rail on one page."""

    label: str
    icon: str
    url: str
    current: bool
    badge: int | None
    below: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the palette."""

    label: str
    icon: str
    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same on all pages of all who hold the same permissions."""

    areas: tuple[tuple[str, NavItem, str, str], ...]
    pages: tuple[Page, ...]
    urls: dict[str, str]


def _shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if (
        user is None
        or not user.is_authenticated
        or getattr(request, "tenant", None) is None
        or request.tenant.is_public
    ):
        return {
            "areas": (),
            "home_url": "/",
            "settings_url": "",
            "in_settings": False,
            "language_url": _url("tenants:language") or "",
        }
    frame = _frame(
        frozenset(user.get_all_permissions()),
        get_language(),
        (get_urlconf(), get_script_prefix()),
        (*nav.keys(), *settings_pages.keys()),
    )
    settings_url = frame.urls["settings_url"]
    return {
        "areas": _areas(request, frame),
        "home_url": "/",
        "in_settings": settings_url != "" and request.path.startswith(settings_url),
        "notifications": _notifications(request),
        "pages": frame.pages,
        **frame.urls,
    }


def _areas(request: HttpRequest, frame: Frame) -> tuple[Area, ...]:
    """The rail on this page: every area, and below the one this page belongs to what else it has."""
    inside = {key for key, item, _, url in frame.areas if not item.parent and _within(request.path, url)}
    # The most exact address that this page lies under: /chat/reports/ is not also /chat/.
    nearest = max((url for _, _, _, url in frame.areas if _within(request.path, url)), key=len, default="")
    return tuple(
        Area(
            label,
            item.icon,
            url,
            url == nearest,
            item.badge(request) if item.badge else None,
            below=bool(item.parent),
        )
        for _, item, label, url in frame.areas
        if not item.parent or item.parent in inside
    )


def _within(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))


def _notifications(request: HttpRequest) -> dict[str, Any] | None:
    """The bell: how many alerts this person has not read; nothing for those who may not see alerts."""
    if not request.user.has_perm("alerts.view_alert"):
        return None
    return {"url": reverse("tenants:notifications"), "unread": alerts.unread_count(request.user)}


@lru_cache(maxsize=256)
def _frame(held: frozenset[str], language: str | None, addresses: tuple[Any, ...], offered: tuple[str, ...]) -> Frame:
    """The areas and settings that open with these permissions, in the active language.

    Reversing addresses and translating labels costs more than most pages; `language`, `addresses` (URLconf and
    prefix) and `offered` (keys of the registries) are what the answer depends on besides.
    """
    areas = tuple(
        (key, item, str(item.label), url)
        for key, item in nav.items()
        if (url := _url(item.url_name)) is not None and (not item.permission or item.permission in held)
    )
    open_settings = [page for page in settings_pages if not page.permission or page.permission in held]
    page, settings_kind = gettext("Page"), gettext("Settings")
    return Frame(
        areas=areas,
        # What the palette knows without asking the server.
        pages=(
            *(Page(label, item.icon, url, page) for _, item, label, url in areas),
            *(
                Page(str(one.label), one.icon, url, settings_kind)
                for one in open_settings
                if (url := _url(one.url_name))
            ),
        ),
        urls={
            "settings_url": (_url("tenants:settings") or "") if open_settings else "",
            "profile_url": _url("accounts:profile") or "",
            "logout_url": _url("accounts:logout") or "",
            "search_url": _url("tenants:search") or "",
            "language_url": _url("tenants:language") or "",
        },
    )


def _url(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None

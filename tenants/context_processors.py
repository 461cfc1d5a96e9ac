"""What every page knows: whose brand it wears, and the frame around it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from ops.kernel.registry import nav, settings_pages
from tenants.queries import alerts, brands

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
    }


def _shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    frame: dict[str, Any] = {
        "areas": [],
        "home_url": "/",
        "settings_url": "",
        "in_settings": False,
        "language_url": _url("tenants:language") or "",
    }
    if (
        user is None
        or not user.is_authenticated
        or getattr(request, "tenant", None) is None
        or request.tenant.is_public
    ):
        return frame
    for item in nav:
        url = _url(item.url_name)
        if url is None or (item.permission and not user.has_perm(item.permission)):
            continue
        frame["areas"].append(
            {
                "label": item.label,
                "icon": item.icon,
                "url": url,
                "current": request.path == url or (url != "/" and request.path.startswith(url)),
                "badge": item.badge(request) if item.badge else None,
            }
        )
    settings_url = _url("tenants:settings") if _may_open_settings(user) else None
    frame |= {
        "settings_url": settings_url or "",
        "in_settings": settings_url is not None and request.path.startswith(settings_url),
        "profile_url": _url("accounts:profile") or "",
        "logout_url": _url("accounts:logout") or "",
        "search_url": _url("tenants:search") or "",
        "notifications": _notifications(request),
        "pages": _pages(user, frame["areas"]),
    }
    return frame


def _notifications(request: HttpRequest) -> dict[str, Any] | None:
    """The bell: how many alerts this person has not read; nothing for those who may not see alerts."""
    if not request.user.has_perm("alerts.view_alert"):
        return None
    return {"url": reverse("tenants:notifications"), "unread": alerts.unread_count(request.user)}


def _pages(user: Any, areas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the palette knows without asking the server: the areas and the settings this person may open."""
    pages = [
        {"label": area["label"], "icon": area["icon"], "url": area["url"], "kind": gettext("Page")} for area in areas
    ]
    for page in settings_pages:
        url = _url(page.url_name)
        if url and (not page.permission or user.has_perm(page.permission)):
            pages.append({"label": page.label, "icon": page.icon, "url": url, "kind": gettext("Settings")})
    return pages


def _may_open_settings(user: Any) -> bool:
    return any(not page.permission or user.has_perm(page.permission) for page in settings_pages)


def _url(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None

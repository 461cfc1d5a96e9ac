"""How a view says that it answers although its tenant is suspended, or closed."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

# Views of packages, which cannot carry our mark, and the ways in and out.
OPEN_NAMES = frozenset(
    {
        "accounts:login",
        "accounts:second-factor",
        "accounts:passkey-login",
        # Who must set up a second factor can do so, or could not even read.
        "accounts:confirm",
        "accounts:app-add",
        "accounts:passkey-add",
        "accounts:codes",
        "accounts:logout",
        "accounts:password-reset",
        "accounts:password-reset-done",
        "accounts:password-reset-confirm",
        "accounts:sso-begin",
        "accounts:sso-callback",
        "accounts:sso-acs",
        "accounts:sso-finish",
        "accounts:sso-logout",
        "accounts:sso-backchannel",
        "accounts:sso-recovery",
        "accounts:sso-recovered",
        "tenants:language",
    }
)


def open_when_suspended(view: View) -> View:
    """Mark a view that also works while its tenant is suspended: login, paying, cancelling."""
    view.open_when_suspended = True  # type: ignore[attr-defined]
    return view


def open_always(view: View) -> View:
    """Mark a view that answers in every state of the tenant: the brand's own files."""
    view.open_always = True  # type: ignore[attr-defined]
    return view


def is_open_when_suspended(request: Any, view: Callable[..., Any]) -> bool:
    """Whether this view works while its tenant is suspended."""
    if getattr(view, "open_when_suspended", False) or getattr(getattr(view, "cls", None), "open_when_suspended", False):
        return True
    match = request.resolver_match
    return match is not None and match.view_name in OPEN_NAMES


def is_open_always(request: Any, view: Callable[..., Any]) -> bool:
    """Whether this view answers in every state of the tenant."""
    return bool(getattr(view, "open_always", False))


# What the session of support's visit remembers of the link it was entered by.
ENTRY_KEY = "support_entry"
# Doors a visit of support may go through, whatever they ask for besides. A door that is not named is closed, so a new
# part of the product is closed until somebody says otherwise here.
SUPPORT_AREAS = frozenset({"chat"})
SUPPORT_NAMES = frozenset(
    {
        "tenants:brand-css",
        "tenants:brand-logo",
        "tenants:brand-favicon",
        "tenants:favicon",
        "tenants:language",
        "tenants:home",
        "tenants:search",
        "tenants:notifications",
        "tenants:settings",
        "tenants:settings-general",
        "tenants:settings-branding",
        "tenants:settings-branding-preview",
        "tenants:support-enter",
        "tenants:support-leave",
        "tenants:announcement-dismiss",
        "accounts:logout",
        "accounts:picture",
        "api:me",
        "api:user-list",
        "api:user-detail",
        "api:settings",
        "api:branding",
        "api:entitlements",
        "api:plan-list",
    }
)
# Reading is no payment.
SUPPORT_READS = frozenset({"billing:overview", "api:user-list", "api:user-detail", "api:settings", "api:branding"})
# In an open area these words in a door's name close it: secrets, copies of everything, what cannot be undone.
SUPPORT_CLOSED = (
    "export",
    "import",
    "erase",
    "lgpd",
    "contact-data",
    "secret",
    "token",
    "credential",
    "webhook",
    "password",
    "push",
    "transcript",
    "pix",
    "campaign",
    "bot",
    "channel",
    "incoming",
    "snippet",
)


def is_open_to_support(name: str, method: str) -> bool:
    """Whether a visit of support may knock at the door of this name; what it may do there its role says."""
    if name in SUPPORT_READS:
        return method in {"GET", "HEAD", "OPTIONS"}
    if name in SUPPORT_NAMES:
        return True
    area, _, door = name.partition(":")
    if area == "api" and door.startswith("chat-"):
        area = "chat"
    return area in SUPPORT_AREAS and not any(word in door for word in SUPPORT_CLOSED)

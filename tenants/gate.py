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

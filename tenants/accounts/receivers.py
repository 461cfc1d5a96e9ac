"""What follows when a session begins or ends, whoever began it: the login's row."""

from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.utils import timezone

from tenants.accounts.enums import LoginMethod
from tenants.accounts.models import User
from tenants.accounts.services import logins, single_sign_on


@receiver(user_logged_in, dispatch_uid="accounts.login_begins")
def login_begins(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """Write the login down and let the session carry its id. How they came in stands on the request (`views.stages`)."""
    if not isinstance(user, User) or not hasattr(request, "session"):
        return
    if request.session.session_key is None:
        request.session.create()
    known = logins.device_of(request.COOKIES.get("device", ""))
    how = getattr(request, "login_details", {"method": LoginMethod.OTHER})
    login = logins.begin(
        user=user,
        session_key=request.session.session_key,
        device=known,
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        address=request.META.get("REMOTE_ADDR") or None,
        host=request.META.get("HTTP_HOST", ""),
        now=timezone.now(),
        **how,
    )
    request.session[logins.SESSION_KEY] = str(login.pk)
    request.session[logins.CONFIRMED] = timezone.now().timestamp()
    if login.method == LoginMethod.SSO:
        single_sign_on.opened(
            sign_in_id=request.session.get(single_sign_on.SESSION_KEY), login=login, now=login.created_at
        )
    else:
        # Left by a company login that stopped at the second factor.
        request.session.pop(single_sign_on.SESSION_KEY, None)
    request.device_to_remember = login.device


@receiver(user_logged_out, dispatch_uid="accounts.login_ends")
def login_ends(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """The row says since when."""
    login_id = request.session.get(logins.SESSION_KEY) if hasattr(request, "session") else None
    if login_id:
        logins.left(login_id=UUID(login_id), now=timezone.now())

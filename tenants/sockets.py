"""From a socket's handshake to its tenant and its person.

    "websocket": TenantSocketMiddleware(URLRouter(routes))

The database is asked in a worker thread, with the schema entered there: what the event loop's own connection object
says means nothing to that thread.
"""

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.consumers import CLOSE_FORBIDDEN, CLOSE_UNKNOWN_TENANT
from tenants.accounts.services.logins import VOUCHED
from tenants.enums import TenantStatus
from tenants.gate import ENTRY_KEY
from tenants.queries import hosts
from tenants.services import support

Application = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]

OPEN = frozenset({TenantStatus.ACTIVE, TenantStatus.SUSPENDED})


class TenantSocketMiddleware:
    """Puts `tenant`, `reseller` and `user` into the scope; closes with 4404 for a host nobody has, 4403 for a foreign page."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        headers = dict(scope.get("headers", ()))
        host = hosts.normalise(headers.get(b"host", b"").decode("latin-1"))
        # After a restart everybody comes at once, and only the first of a host needs a thread.
        site = (hosts.site_at_hand(host) or await database_sync_to_async(hosts.site_of)(host)) if host else None
        if site is None or not (site.tenant.is_public or site.tenant.status in OPEN):
            return await _close(receive, send, CLOSE_UNKNOWN_TENANT)
        if not _is_own_page(headers.get(b"origin"), host):
            return await _close(receive, send, CLOSE_FORBIDDEN)
        session_key = _session_key(headers.get(b"cookie", b""))
        # Most sockets are visitors' and bring no session: nothing is asked for them.
        user = await database_sync_to_async(person_of)(site.tenant, session_key) if session_key else AnonymousUser()
        scope = dict(scope, tenant=site.tenant, reseller=site.reseller, user=user, session_key=session_key)
        return await self.inner(scope, receive, send)


async def _close(receive: Callable, send: Callable, code: int) -> None:
    await receive()
    await send({"type": "websocket.close", "code": code})


def _is_own_page(origin: bytes | None, host: str | None) -> bool:
    """A browser always says which page opened the socket; only pages of the same host may use its session.

    The widget's frame is served by the tenant's host too. Programs send no Origin, and no cookie by accident either.
    """
    if origin is None:
        return True
    try:
        name = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:
        return False
    return bool(name) and hosts.normalise(name) == host


def _session_key(cookies: bytes) -> str:
    try:
        parsed = SimpleCookie(cookies.decode("latin-1"))
    except CookieError:
        return ""
    morsel = parsed.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else ""


def person_of(tenant: Any, session_key: str) -> Any:
    """The person of a session of this very schema, or nobody."""
    if not session_key:
        return AnonymousUser()
    with tenant_context(tenant):
        session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
        user: Any = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]
        if getattr(user, "is_support", False):
            entry = str(session.get(ENTRY_KEY, ""))
            visit = support.visit_of(user=user, entry=entry, tenant=tenant, now=timezone.now())  # type: ignore[arg-type]
            if visit is None:
                return AnonymousUser()
            user.support_visit = visit
        if user.is_authenticated and user.lacks_second_factor(timezone.now()) and not session.get(VOUCHED):
            return AnonymousUser()
        return user

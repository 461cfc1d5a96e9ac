"""Logins of browsers: where somebody is logged in, and ending it.

A login is a row beside the session. The session carries the row's id; ending the row deletes the session, so the next
request of that browser is a stranger's.
"""

import threading
import time
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound
from tenants.accounts.enums import LoginMethod
from tenants.accounts.models import Login, User
from tenants.accounts.services import emails, sessions

SESSION_KEY = "login"
# In the session of somebody whose second factor a company login has seen.
VOUCHED = "second_factor_vouched"
# When the person behind the session last showed who they are.
CONFIRMED = "confirmed_at"
DEVICE_SALT = "accounts.device"
DEVICE_AGE_S = 400 * 24 * 3600
# Ended logins stay so long, so that a known browser is known again.
KEPT_AFTER_END = timedelta(days=180)
TOUCH_EVERY_S = 300

_lock = threading.Lock()
_touched: dict[UUID, float] = {}


def device_of(cookie: str) -> UUID | None:
    """The browser of a device cookie made in this schema, or nothing."""
    if not cookie:
        return None
    try:
        return UUID(signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_AGE_S))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None


def device_cookie(device: UUID) -> str:
    """The cookie a browser is known by. It lets nobody in."""
    return signing.dumps(str(device), salt=DEVICE_SALT)


def is_known(*, user: User, device: UUID | None) -> bool:
    """Whether the person logged in with this browser before."""
    return device is not None and Login.objects.filter(user=user, device=device).exists()


def is_trusted(*, user: User, device: UUID | None, now: datetime) -> bool:
    """Whether this browser showed the person's second factor and was told to be remembered."""
    return device is not None and Login.objects.filter(user=user, device=device).trusted(now).exists()


@transaction.atomic
def begin(
    *,
    user: User,
    session_key: str,
    now: datetime,
    device: UUID | None = None,
    method: str = LoginMethod.OTHER,
    factor: str = "",
    user_agent: str = "",
    address: str | None = None,
    trust: timedelta | None = None,
    host: str = "",
) -> Login:
    """A session has begun. A browser the person never used before brings a letter, but for the very first one."""
    earlier = Login.objects.filter(user=user)
    is_new = not is_known(user=user, device=device) and earlier.exists()
    login = Login.objects.create(
        user=user,
        session_key=session_key,
        device=device or uuid4(),
        method=method,
        factor=factor,
        user_agent=user_agent[:300],
        address=address or None,
        last_seen_at=now,
        trusted_until=now + trust if trust else None,
    )
    _remember(login.pk)
    if is_new and not user.is_support:
        emails.send("new_device", user=user, host=host, about=str(login.pk))
    return login


def touch(*, login_id: UUID, session_key: str, address: str | None, user_agent: str, now: datetime) -> None:
    """Note that a login is in use, at most every five minutes a process, in one statement."""
    if not _is_due(login_id):
        return
    Login.objects.filter(pk=login_id, session_key=session_key).update(
        last_seen_at=now, address=address or None, user_agent=user_agent[:300]
    )


def moved(*, login_id: UUID, session_key: str) -> None:
    """The session got another key, as after a changed password."""
    Login.objects.filter(pk=login_id).update(session_key=session_key)


def of(user: User) -> QuerySet[Login]:
    """Where the person is logged in, latest use first."""
    return Login.objects.open().filter(user=user).order_by("-last_seen_at", "-pk")


@transaction.atomic
def end(*, user: User, login_id: UUID, by: Any, now: datetime) -> None:
    """Log one browser out, and trust it no more. Raises `NotFound` for a login of somebody else."""
    login = Login.objects.open().filter(user=user, pk=login_id).first()
    if login is None:
        raise NotFound
    _end([login], now=now)
    Login.objects.filter(user=user, device=login.device).update(trusted_until=None)
    sessions.tell_sockets(user.pk)
    audit.record("accounts.login_ended", by=by, on=user, now=now)


def left(*, login_id: UUID, now: datetime) -> None:
    """Somebody logged out; the session is gone already, the browser stays trusted."""
    Login.objects.open().filter(pk=login_id).update(ended_at=now, updated_at=now)


@transaction.atomic
def end_all(*, user: User, now: datetime, keep: UUID | None = None) -> int:
    """Log a person out everywhere: browsers (but `keep`) and API. Says how many browsers."""
    theirs = Login.objects.filter(user=user)
    if keep is not None:
        theirs = theirs.exclude(pk=keep)
    rows = list(theirs.open().order_by("pk"))
    _end(rows, now=now)
    theirs.update(trusted_until=None)
    sessions.end_all(user=user, now=now)
    return len(rows)


@transaction.atomic
def end_others(*, user: User, keep: UUID | None, by: Any, now: datetime) -> int:
    """The person logs out everywhere else. Says how many browsers that were."""
    count = end_all(user=user, now=now, keep=keep)
    audit.record("accounts.logins_ended", by=by, on=user, detail={"browsers": count}, now=now)
    return count


def trust_none(*, user: User) -> None:
    """No browser is trusted any more."""
    Login.objects.filter(user=user).update(trusted_until=None)


def forget_old(*, now: datetime) -> int:
    """Delete logins that ended long ago, or whose session ran out long ago."""
    over = Login.objects.filter(last_seen_at__lt=now - KEPT_AFTER_END)
    return over.delete()[0]


def _end(rows: list[Login], *, now: datetime) -> None:
    Login.objects.filter(pk__in=[row.pk for row in rows]).update(ended_at=now, updated_at=now)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = [row.session_key for row in rows]
    for key in keys:
        store(key).delete()
    # Again after the commit: a request in between may have put the session back into the cache.
    transaction.on_commit(lambda: [store(key).delete() for key in keys], robust=True)


def _remember(login_id: UUID) -> None:
    with _lock:
        if len(_touched) > 10_000:
            _touched.clear()
        _touched[login_id] = time.monotonic()


def _is_due(login_id: UUID) -> bool:
    if time.monotonic() - _touched.get(login_id, -TOUCH_EVERY_S) < TOUCH_EVERY_S:
        return False
    _remember(login_id)
    return True

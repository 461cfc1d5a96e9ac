"""Brakes on guessing passwords and codes and on sending letters, the same for pages and API.

What was guessed wrongly is counted in PostgreSQL, so that a restart of Redis or of a process forgives nobody: an
account may fail ten times in fifteen minutes wherever the guesses come from, and one address thirty times whatever the
accounts are; so guessing is braked without Redis too (`docs/adr/0007`). A browser that its owner has used before has its own count, so that strangers cannot lock the owner out.
Both forget by themselves. Beside it Redis counts every try of an address for a moment, which only spares the processor.

The count of an account goes by what was typed: an address nobody has is braked, and told so, like any other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ops.kernel.errors import RateLimited
from ops.kernel.ratelimit import hit
from ops.kernel.tasks import enqueue
from tenants.accounts.errors import TooManyTries, WrongCode, WrongPassword
from tenants.accounts.models import Brake, User
from tenants.accounts.services import logins

CALLER_LIMIT, CALLER_WINDOW_S = 30, 5 * 60
FAILURE_LIMIT, FAILURE_WINDOW_S = 10, 15 * 60
LETTER_LIMIT, LETTER_WINDOW_S = 3, 15 * 60
# An office of a hundred comes in by its company login at nine, from one address.
KNOCK_LIMIT, KNOCK_WINDOW_S = 300, 5 * 60
WINDOW = timedelta(seconds=FAILURE_WINDOW_S)
KEPT = timedelta(days=1)

COUNT = """
INSERT INTO accounts_brake (key, failures, since) VALUES (%s, 1, %s)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN accounts_brake.since > %s THEN accounts_brake.failures + 1 ELSE 1 END,
    since = CASE WHEN accounts_brake.since > %s THEN accounts_brake.since ELSE EXCLUDED.since END
RETURNING failures
"""


def begin(*, email: str, caller: str, device: UUID | None = None) -> None:
    """One try of `caller` (an IP address) for an account. Raises `RateLimited` when either failed too often.

    `device` is the browser as its cookie tells it; it counts for its own when the account knows it.
    """
    tried = hit(f"login:caller:{caller}", limit=CALLER_LIMIT, window_s=CALLER_WINDOW_S)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.wait_s)
    now = timezone.now()
    limits = {_account(email, device): FAILURE_LIMIT, _address(caller): CALLER_LIMIT}
    for brake in Brake.objects.filter(key__in=limits, since__gt=now - WINDOW):
        if brake.failures >= limits[brake.key]:
            wait_s = max(1, int((brake.since + WINDOW - now).total_seconds()))
            refused = RateLimited if brake.key == _address(caller) else TooManyTries
            raise refused(retry_after=wait_s)


def fail(*, email: str, caller: str = "", device: UUID | None = None, host: str = "") -> None:
    """Count a wrong password or code for an account, known or not. The last one allowed brings its owner a letter."""
    now = timezone.now()
    failures = _count(_account(email, device), now)
    if caller:
        _count(_address(caller), now)
    if failures == FAILURE_LIMIT:
        # Whether anybody has that address is looked up later, in a task: the answer takes the same time for all.
        enqueue("accounts.tell_of_guesses", email=email[:254], host=host)


@contextmanager
def guarded(*, email: str, caller: str, device: UUID | None = None) -> Iterator[None]:
    """Around a change that asks for the password: whoever sits at an open browser must not be able to try them either."""
    begin(email=email, caller=caller, device=device)
    try:
        yield
    except (WrongPassword, WrongCode):
        fail(email=email, caller=caller, device=device)
        raise


def unlock(*, email: str) -> None:
    """The owner says it is all right: the account may be tried again at once."""
    Brake.objects.filter(key=_account(email, None)).delete()


def letter(*, email: str, caller: str) -> bool:
    """Whether another letter may go to this address; the caller is refused with `RateLimited` when it asks too often.

    A full mailbox is refused in silence: the page must say the same for known and unknown addresses.
    """
    tried = hit(f"letter:caller:{caller}", limit=CALLER_LIMIT, window_s=CALLER_WINDOW_S)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.wait_s)
    return hit(f"letter:to:{_hash(email)}", limit=LETTER_LIMIT, window_s=LETTER_WINDOW_S).allowed


def knock(*, caller: str) -> None:
    """One step of `caller` to or from an identity provider. Raises `RateLimited`; judging an answer costs more than asking."""
    tried = hit(f"sso:caller:{caller}", limit=KNOCK_LIMIT, window_s=KNOCK_WINDOW_S)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.reset_s)


def forget_old(*, now: datetime) -> int:
    """Delete counts nobody asks for any more."""
    return Brake.objects.filter(since__lt=now - KEPT).delete()[0]


def _count(key: str, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [key, now, now - WINDOW, now - WINDOW])
        return int(cursor.fetchone()[0])


def _account(email: str, device: UUID | None) -> str:
    if device is not None:
        owner = User.objects.filter(email=email.strip().lower()[:254].replace("\x00", "")).first()
        if owner is not None and logins.is_known(user=owner, device=device):
            return _hash(f"device|{owner.pk}|{device}")
    return _hash(f"account|{email.strip().lower()}")


def _address(caller: str) -> str:
    return _hash(f"caller|{caller}")


def _hash(text: str) -> str:
    # A name may hold any character, and operators read tables and keys.
    return sha256(text.strip().lower().encode(errors="replace")).hexdigest()

"""Brakes on guessing passwords and on sending letters, the same for pages and API.

An address may fail ten times in fifteen minutes wherever the guesses come from, and one caller may try thirty times in
five minutes whatever the addresses are. Both are counted in the schema of the host, and forget by themselves: nobody
is locked out for longer than the window.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from ops.kernel.errors import RateLimited
from ops.kernel.ratelimit import hit
from tenants.accounts.errors import WrongPassword

CALLER_LIMIT, CALLER_WINDOW_S = 30, 5 * 60
FAILURE_LIMIT, FAILURE_WINDOW_S = 10, 15 * 60
LETTER_LIMIT, LETTER_WINDOW_S = 3, 15 * 60


def begin(*, email: str, caller: str) -> None:
    """Count one try of `caller` (an IP address). Raises `RateLimited` when it, or this address, tried too often."""
    tried = hit(f"login:caller:{caller}", limit=CALLER_LIMIT, window_s=CALLER_WINDOW_S)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.reset_s)
    failed = hit(f"login:failed:{_key(email)}", limit=FAILURE_LIMIT, window_s=FAILURE_WINDOW_S, cost=0)
    if failed.remaining < 1:
        raise RateLimited(retry_after=failed.reset_s)


def fail(*, email: str) -> None:
    """Count a wrong password for an address, known or not."""
    hit(f"login:failed:{_key(email)}", limit=FAILURE_LIMIT, window_s=FAILURE_WINDOW_S)


@contextmanager
def guarded(*, email: str, caller: str) -> Iterator[None]:
    """Around a change that asks for the password: whoever sits at an open browser must not be able to try them either."""
    begin(email=email, caller=caller)
    try:
        yield
    except WrongPassword:
        fail(email=email)
        raise


def letter(*, email: str, caller: str) -> bool:
    """Whether another letter may go to this address; the caller is refused with `RateLimited` when it asks too often.

    A full mailbox is refused in silence: the page must say the same for known and unknown addresses.
    """
    tried = hit(f"letter:caller:{caller}", limit=CALLER_LIMIT, window_s=CALLER_WINDOW_S)
    if not tried.allowed:
        raise RateLimited(retry_after=tried.reset_s)
    return hit(f"letter:to:{_key(email)}", limit=LETTER_LIMIT, window_s=LETTER_WINDOW_S).allowed


def _key(email: str) -> str:
    # Hashed: an address may hold any character, and Redis keys are read by operators.
    return sha256(email.strip().lower().encode(errors="replace")).hexdigest()[:32]

"""Letters to people about their login, in the brand they know and in their language.

Nothing secret travels through the task queue: the letter's link is made when the letter is written.
"""

from tenants.accounts.models import User

CONFIRMATION_SALT = "accounts.confirm-email"


def send(name: str, *, user: User, host: str = "") -> None:
    """Write and send the letter `name` after the commit. `host` is where the person was, the tenant's own by default."""

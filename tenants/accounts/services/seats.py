"""Seats: how many people may answer conversations. The number is the plan's, and plans live on a floor above.

So the floor above hands its rule over at start, and this one only asks it.
"""

from collections.abc import Callable

from tenants.accounts.models import Role, User

_rule: Callable[[int], object] | None = None


def register(rule: Callable[[int], object]) -> None:
    """Take the rule that refuses, by raising, when so many more seats are not in the plan."""
    global _rule
    _rule = rule


def taken() -> int:
    """Seats in use in the current schema: everyone who may answer, without the first owner, who comes with the plan."""
    return max(User.objects.seated().count() - 1, 0)


def is_seated(role: Role | None) -> bool:
    """Whether who holds the role takes a seat: it may do something that a plan counts agents for."""
    return role is not None and role.seated


def require(amount: int = 1) -> None:
    """Refuse when the plan has no room for so many more seats."""
    if _rule is not None:
        _rule(amount)

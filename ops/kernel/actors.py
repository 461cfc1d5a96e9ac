"""Who did it, kept as a value: a ledger must still read well when the person's row is gone."""

from dataclasses import dataclass
from typing import Any

from ops.kernel import context


@dataclass(frozen=True, slots=True)
class Actor:
    """Id, name for people and kind (`user`, `system`, `visitor`, `api`, ...) of whoever acts."""

    id: str = ""
    label: str = ""
    kind: str = "system"


SYSTEM = Actor()


def actor_of(by: Any) -> Actor:
    """Turn what a service was given as `by` into an actor: an `Actor`, a user, a word, or nothing.

    Nothing means the signed-in person of the current request when there is one, else the system.
    """
    if isinstance(by, Actor):
        return by
    if by is None:
        by = context.current_user()
    if by is None:
        user = context.current_user_id()
        return Actor(id=user, kind="user") if user else SYSTEM
    if isinstance(by, str):
        return Actor(label=by[:200], kind="system")
    key = getattr(by, "pk", None)
    if key is None:
        return Actor(label=str(by)[:200], kind="visitor")
    label = getattr(by, "actor_label", "") or getattr(by, "email", "") or str(by)
    return Actor(id=str(key), label=label[:200], kind=getattr(by, "actor_kind", "user"))

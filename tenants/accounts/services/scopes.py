"""What a token may be limited to: the areas of the page of roles, to look or to do everything there.

Scopes follow the permissions the apps declare, so a new permission belongs to a scope from its first day.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ops.kernel.registry import permission_areas, permissions

ALL = "all"
READ, WRITE = "read", "write"


@dataclass(frozen=True, slots=True)
class Area:
    """One area as tokens see it: the permissions that look, and all of them."""

    key: str
    label: str
    group: str
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def scopes(self) -> dict[str, frozenset[str]]:
        """The scopes of this area and what each allows; none to look where there is nothing to look at."""
        found = {f"{self.key}:{WRITE}": self.writes} if self.writes - self.reads else {}
        return ({f"{self.key}:{READ}": self.reads} if self.reads else {}) | found


def areas() -> list[Area]:
    """Every area a token may enter, in the order of the page of roles."""
    found = []
    for key, area in permission_areas.items():
        open_to_tokens = [one for one in permissions if one.area == key and one.for_tokens]
        if open_to_tokens:
            found.append(
                Area(
                    key,
                    str(area.label),
                    str(area.group),
                    frozenset(one.codename for one in open_to_tokens if one.reads),
                    frozenset(one.codename for one in open_to_tokens),
                )
            )
    return found


def known() -> dict[str, frozenset[str]]:
    """Every scope and the permissions it covers."""
    everything = frozenset(one.codename for one in permissions if one.for_tokens)
    return {ALL: everything} | {scope: names for area in areas() for scope, names in area.scopes.items()}


def permissions_of(scopes: Iterable[str]) -> frozenset[str]:
    """What these scopes cover together; a scope this release no longer knows covers nothing."""
    covered = known()
    return frozenset().union(*(covered.get(scope, frozenset()) for scope in scopes))

"""What becomes of each table of a tenant when the tenant is copied or exported; the app that owns a table says so.

A table nobody spoke about is neither copied nor exported; a guard of the house's tests names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ops.kernel.registry import Registry, Text
from tenants.enums import CopyMode


class Part(Enum):
    """To what a table belongs."""

    GIVEN = "given"  # every schema is made with these rows
    SETTINGS = "settings"
    PEOPLE = "people"  # the team, and what is each member's own
    DATA = "data"  # contacts, conversations and what follows from them
    NEVER = "never"  # bound to its schema: logins, tokens, proofs, ledgers, what is under way


COPIED: Mapping[CopyMode, frozenset[Part]] = {
    CopyMode.FULL: frozenset({Part.SETTINGS, Part.PEOPLE, Part.DATA}),
    CopyMode.WITHOUT_PEOPLE: frozenset({Part.SETTINGS, Part.DATA}),
    CopyMode.SETTINGS: frozenset({Part.SETTINGS}),
}


@dataclass(frozen=True, slots=True)
class CopyRule:
    """One table. SQL in it reads the row as `r`, and other tables of the source by `{source}.<table>`.

    `sets` puts another value into a column, `where` chooses rows, `where_in` chooses them further in one way of copying.
    References into tables that are not copied become empty; a row that cannot do without stays behind.
    """

    part: Part
    sets: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    where_in: Mapping[CopyMode, str] = field(default_factory=dict)
    # Whether it stands in the export, and which columns are nobody's business there. Encrypted ones never leave.
    exported: bool = True
    hidden: frozenset[str] = frozenset()


copy_rules: Registry[CopyRule] = Registry("tables of a tenant")


def tables(rule: CopyRule, *names: str) -> None:
    """Say the same about several tables."""
    for name in names:
        copy_rules.register(name, rule)


@dataclass(frozen=True, slots=True)
class LeavingNote:
    """One line of what somebody should know before the account is closed; `count` says how many there are of it."""

    icon: str
    label: Text
    hint: Text
    count: Callable[[], int] | None = None
    order: int = 100


leaving_notes: Registry[LeavingNote] = Registry("notes on leaving")

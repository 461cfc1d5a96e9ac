"""How PostgreSQL answers: every question a piece of work asks, with its plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

# Tables that grow with every conversation; the rest of a counter fits on a few pages.
GROWING = frozenset(
    f"chat_{name}"
    for name in [
        "chatevent",
        "contact",
        "contactinbox",
        "conversation",
        "conversation_labels",
        "csatresponse",
        "hourlystat",
        "message",
        "slaevent",
    ]
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement, and what was done for it."""

    sql: str
    root: dict[str, Any]

    def nodes(self) -> Iterator[dict[str, Any]]:
        """Every step."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    def read_whole(self) -> set[str]:
        """Growing tables of which every row is looked at."""
        return {
            node["Relation Name"]
            for node in self.nodes()
            if node["Node Type"] in ("Seq Scan", "Parallel Seq Scan") and node["Relation Name"] in GROWING
        }

    def pages(self) -> int:
        """Pages of 8 KB that were touched; only of an analysed plan."""
        return int(self.root.get("Shared Hit Blocks", 0)) + int(self.root.get("Shared Read Blocks", 0))


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Questions that are asked meanwhile, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and sql.lstrip().upper().startswith(("SELECT", "WITH")):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def plan(sql: str, params: Any, *, analyse: bool = False) -> Plan:
    """The plan of one statement."""
    options = "ANALYZE, BUFFERS, FORMAT JSON" if analyse else "FORMAT JSON"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) {sql}", params)
        return Plan(sql, cursor.fetchone()[0][0]["Plan"])

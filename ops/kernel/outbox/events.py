"""What the outbox itself publishes."""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class TaskKept:
    """A task was to be sent while the broker was away."""

    name: ClassVar[str] = "outbox.task_kept"
    task: str
    kwargs: dict[str, Any]
    headers: dict[str, str]

    @property
    def aggregate(self) -> str:
        """Tasks of one name keep their order."""
        return f"task:{self.task}"

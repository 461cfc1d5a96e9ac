"""Which pages answer somebody who has to set up a second factor first."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

MARK = "open_before_second_factor"


def open_before_second_factor(view: View) -> View:
    """Mark a view that is needed on the way to a second factor, or that anybody may see."""
    setattr(view, MARK, True)
    return view


def is_open_before_second_factor(view: Callable[..., Any]) -> bool:
    """Whether the view answers before that."""
    return bool(getattr(view, MARK, False))

"""Letters that companies may write in their own words: each app names its own at start, the settings page shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from ops.kernel.registry import Registry, Text


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a letter that is filled when it is written; `sample` stands there in the preview."""

    label: Text
    sample: Text = ""


# Every letter knows these.
COMMON = {"company": Place(_("The company's name")), "email": Place(_("The reader's address"), "bia@exemplo.com.br")}
LINK = "link"
LINK_PLACE = Place(_("The link; alone in its line it becomes a button"))
NAME_PLACE = Place(_("The reader's first name"), "Bia")
# What letters are about, in the order of the pages.
GROUPS: dict[str, Text] = {
    "access": _("Coming in"),
    "security": _("Security"),
    "company": _("The account"),
    "visitors": _("To visitors"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `values` gives the texts of `places` from the context it is written with; `needs` may not be left out."""

    label: Text
    hint: Text
    values: Callable[[Mapping[str, Any]], Mapping[str, str]]
    places: Mapping[str, Place] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    # The words of its button until somebody chooses others.
    action: Text = ""
    # Words to start from where the product's template says more than places can.
    subject: Text = ""
    body: Text = ""
    # Why somebody gets it, with %(name)s for the company: a visitor has no account that would be the reason.
    reason: Text = ""
    order: int = 100
    group: str = "company"

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the others."""
        return list(GROUPS).index(self.group), self.order

    @property
    def all_places(self) -> dict[str, Place]:
        """Its own places and those of every letter."""
        return {**self.places, **COMMON}


letters: Registry[Letter] = Registry("letters")

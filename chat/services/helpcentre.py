"""The public help centre as its owner set it up: whether it is open, and its own words in each language."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chat.services import markdown
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field

NAME = "chat.help_centre"


def key_of(locale: str) -> str:
    """A language in the name of a field: `pt_br`."""
    return locale.replace("-", "_")


DEFINITION = Definition(
    NAME,
    _("Help centre"),
    fields=(
        Field("enabled", _("The help centre is open to everybody"), bool, default=True),
        Field("show_chat", _("The website chat is on its pages"), bool, default=True),
        *(
            field
            for locale, _language in settings.LANGUAGES
            for field in (
                Field(f"title_{key_of(locale)}", _("Heading"), default="", max_length=120),
                Field(f"intro_{key_of(locale)}", _("Introduction"), default="", max_length=400),
                Field(f"footer_{key_of(locale)}", _("Foot of every page"), default="", max_length=1000),
            )
        ),
    ),
    inherit=False,
    order=40,
)


@dataclass(frozen=True, slots=True)
class HelpCentre:
    """What the pages need of it in one language; `version` changes with every saved change."""

    enabled: bool
    show_chat: bool
    title: str
    intro: str
    footer_html: str
    version: int


def shown(locale: str) -> HelpCentre:
    """The help centre in a language."""
    values: Any = configuration.get(NAME)
    key = key_of(locale)
    return HelpCentre(
        enabled=values["enabled"],
        show_chat=values["show_chat"],
        title=values[f"title_{key}"],
        intro=values[f"intro_{key}"],
        footer_html=markdown.render(values[f"footer_{key}"]).html,
        version=values.version,
    )

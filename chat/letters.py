"""The letters of the counter that a company may write in its own words."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from tenants.letterbook import Letter, Place, letters


def register() -> None:
    """Put them into the book."""
    letters.register(
        "chat/transcript",
        Letter(
            _("Transcript"),
            _("A visitor gets the conversation, with a PDF of it."),
            _transcript,
            {
                "number": Place(_("The conversation's number"), "1042"),
                "conversation": Place(_("What was said"), _("Bia, 10:05: How can I help you?")),
            },
            frozenset({"conversation"}),
            order=60,
        ),
    )


def _transcript(context: Mapping[str, Any]) -> dict[str, str]:
    said = (
        f"{line['name']}, {date_format(line['at'], 'SHORT_DATETIME_FORMAT')}\n{line['text']}"
        for line in context["lines"]
    )
    return {"number": str(context["number"]), "conversation": "\n\n".join(said)}

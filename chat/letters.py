"""The letters of the counter that a company may write in its own words."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from tenants.letterbook import LINK, LINK_PLACE, Letter, Place, letters


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
            reason=_(
                "You receive this message because somebody asked %(name)s to send this conversation to your address."
            ),
            order=60,
            group="visitors",
        ),
    )
    letters.register(
        "chat/limit",
        Letter(
            _("Conversations of the plan"),
            _("Owners and administrators hear how much of the month is used."),
            _limit,
            {
                "title": Place(_("What has happened, in a sentence"), _("90 % of this month's conversations are used")),
                "advice": Place(_("What that means"), _("You have had 900 of 1,000 conversations.")),
                "used": Place(_("Conversations this month"), "900"),
                "limit": Place(_("Conversations in the plan"), "1.000"),
                LINK: LINK_PLACE,
            },
            frozenset({LINK}),
            action=_("See the plan"),
            order=40,
        ),
    )


def _limit(context: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(context[key]) for key in ("title", "advice", "used", "limit", LINK)}


def _transcript(context: Mapping[str, Any]) -> dict[str, str]:
    said = (
        f"{line['name']}, {date_format(line['at'], 'SHORT_DATETIME_FORMAT')}\n{line['text']}"
        for line in context["lines"]
    )
    return {"number": str(context["number"]), "conversation": "\n\n".join(said)}

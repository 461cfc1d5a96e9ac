"""The letters about logging in that a company may write in its own words."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from tenants.letterbook import LINK, LINK_PLACE, NAME_PLACE, Letter, Place, letters

NAME, NEEDS_LINK = {"name": NAME_PLACE}, frozenset({LINK})


def register() -> None:
    """Put them into the book."""
    letters.register(
        "accounts/invitation",
        Letter(
            _("Invitation"),
            _("Somebody is asked to join the team."),
            _invitation,
            {
                **NAME,
                "by": Place(_("Who invites"), "Ana Moura"),
                "role": Place(_("The role"), _("Agent")),
                "day": Place(_("Until when the link works"), "29/11/2026"),
                LINK: LINK_PLACE,
            },
            NEEDS_LINK,
            action=_("Accept the invitation"),
            subject=_("Your invitation to {{company}}"),
            body=_(
                "Hello. {{by}} invites you to work at {{company}} as {{role}}.\n\n[Accept the invitation]({{link}})\n\n"
                "The link works once, until {{day}}. You log in with {{email}}."
            ),
            order=5,
        ),
    )
    for order, name, label, hint, action in (
        (
            10,
            "welcome",
            _("First login"),
            _("Somebody gets an access and chooses a password."),
            _("Choose a password"),
        ),
        (20, "password_reset", _("New password"), _("Somebody forgot the password."), _("Choose a new password")),
        (
            30,
            "confirm_email",
            _("Confirm an address"),
            _("Somebody wants to log in with another e-mail."),
            _("Confirm"),
        ),
    ):
        letters.register(
            f"accounts/{name}",
            Letter(label, hint, _person, {**NAME, LINK: LINK_PLACE}, NEEDS_LINK, action=action, order=order),
        )
    letters.register(
        "accounts/password_changed",
        Letter(
            _("Password changed"),
            _("A password was changed; whoever it was not needs the link."),
            _alarm,
            {**NAME, LINK: LINK_PLACE},
            NEEDS_LINK,
            action=_("Choose a new password"),
            order=40,
        ),
    )
    letters.register(
        "accounts/email_changed",
        Letter(_("Address changed"), _("The old address hears that another one is in use."), _person, NAME, order=50),
    )


def _invitation(context: Mapping[str, Any]) -> dict[str, str]:
    row = context["invitation"]
    return {
        "name": row.name.split(" ")[0] if row.name else row.email.split("@")[0],
        "by": context["by"] or context["brand"].display_name,
        "role": str(row.role.label),
        "day": date_format(row.expires_at, "DATE_FORMAT"),
        LINK: context["link"],
    }


def _person(context: Mapping[str, Any]) -> dict[str, str]:
    return {"name": context["person"].get_short_name(), LINK: context["link"]}


def _alarm(context: Mapping[str, Any]) -> dict[str, str]:
    return {"name": context["person"].get_short_name(), LINK: context["reset_url"]}

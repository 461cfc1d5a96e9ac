"""The letters about logging in that a company may write in its own words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenants.letterbook import LINK, LINK_PLACE, NAME_PLACE, Letter, letters

NAME, NEEDS_LINK = {"name": NAME_PLACE}, frozenset({LINK})


def register() -> None:
    """Put them into the book."""
    for order, name, label, hint, action in (
        (10, "welcome", _("Invitation"), _("Somebody gets an access and chooses a password."), _("Choose a password")),
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


def _person(context: Mapping[str, Any]) -> dict[str, str]:
    return {"name": context["person"].get_short_name(), LINK: context["link"]}


def _alarm(context: Mapping[str, Any]) -> dict[str, str]:
    return {"name": context["person"].get_short_name(), LINK: context["reset_url"]}

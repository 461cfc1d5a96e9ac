"""The letters about logging in that a company may write in its own words."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ops.kernel.registry import Text
from tenants.letterbook import LINK, LINK_PLACE, NAME_PLACE, Letter, Place, letters

NAME, NEEDS_LINK = {"name": NAME_PLACE}, frozenset({LINK})
WITH_LINK = {**NAME, LINK: LINK_PLACE}
NEW_PASSWORD = _("Choose a new password")


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
            group="access",
        ),
    )
    _access()
    _security()
    _programs()


def _access() -> None:
    _add("welcome", _("First login"), _("Somebody gets an access and chooses a password."), _("Choose a password"), 10)
    _add("password_reset", _("New password"), _("Somebody forgot the password."), NEW_PASSWORD, 20)
    _add("confirm_email", _("Confirm an address"), _("Somebody wants to log in with another e-mail."), _("Confirm"), 30)
    _add(
        "email_changing",
        _("Address about to change"),
        _("The address of now hears that another one is wanted, and may stop it."),
        _("This was not me"),
        32,
        values=_about,
        places={"address": Place(_("The new address"), "bia.nova@exemplo.com.br")},
    )
    _add(
        "email_changed",
        _("Address changed"),
        _("The old address hears that another one is in use, and may take it back."),
        _("This was not me"),
        34,
        values=_about,
        places={"address": Place(_("The new address"), "bia.nova@exemplo.com.br")},
    )
    _add(
        "sso_recovery",
        _("Past single sign-on"),
        _("An owner cannot log in by the company's own login service."),
        _("Log in without single sign-on"),
        40,
    )
    _add(
        "sso_recovery_used",
        _("Single sign-on was passed by"),
        _("Every owner hears that one of them logged in without it."),
        _("Log in"),
        42,
    )


def _security() -> None:
    alarms: tuple[tuple[str, Text, Text], ...] = (
        ("password_changed", _("Password changed"), _("A password was changed; whoever it was not needs the link.")),
        ("factor_added", _("Second factor added"), _("Somebody set up an app or a passkey.")),
        ("factor_removed", _("Second factor removed"), _("Somebody took an app or a passkey away.")),
        ("recovery_code_used", _("Recovery code used"), _("Somebody logged in with a recovery code.")),
    )
    for order, (name, label, hint) in enumerate(alarms):
        _add(name, label, hint, NEW_PASSWORD, 10 + order, group="security", values=_alarm)
    _add(
        "new_device",
        _("New device"),
        _("Somebody logged in with a browser that was not used before."),
        NEW_PASSWORD,
        5,
        group="security",
        values=_device,
        places={
            "device": Place(_("Which browser, when, and from where"), "Firefox, Linux, 22/11/2026 10:05, 203.0.113.7")
        },
    )
    _add(
        "second_factor_needed",
        _("Second factor asked for"),
        _("A role needs a second factor, and somebody has none yet."),
        _("Set it up"),
        20,
        group="security",
        values=_needed,
        places={"day": Place(_("From when it is needed"), "29/11/2026")},
    )
    _add(
        "factor_reset",
        _("Second factor taken away"),
        _("Somebody who manages the team took a lost one away."),
        _("Log in"),
        22,
        group="security",
    )
    _add(
        "guesses",
        _("Wrong passwords"),
        _("Somebody is trying passwords, and further tries are stopped for a while."),
        _("Let me try again"),
        30,
        group="security",
    )


def _programs() -> None:
    token = {"token": Place(_("Name, beginning and last day of the token"), "ERP, blc_8fK2…, 31/12/2026")}
    _add(
        "token_created",
        _("New API token"),
        _("A token was made in somebody's name."),
        _("See my tokens"),
        40,
        group="security",
        values=_token,
        places=token,
    )
    _add(
        "token_ends",
        _("API token about to end"),
        _("A program needs a new token within a week."),
        _("See my tokens"),
        42,
        group="security",
        values=_token,
        places=token,
    )
    _add(
        "refresh_reused",
        _("Login of a program ended"),
        _("A token that works once was used twice, so somebody may have copied it."),
        NEW_PASSWORD,
        44,
        group="security",
        values=_alarm,
    )


def _add(
    name: str,
    label: Text,
    hint: Text,
    action: Text,
    order: int,
    *,
    group: str = "access",
    values: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None,
    places: Mapping[str, Place] | None = None,
) -> None:
    """A letter with a name and a link, and what else it says."""
    letters.register(
        f"accounts/{name}",
        Letter(
            label,
            hint,
            values or _person,
            {**WITH_LINK, **(places or {})},
            NEEDS_LINK,
            action=action,
            order=order,
            group=group,
        ),
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


def _about(context: Mapping[str, Any]) -> dict[str, str]:
    return {**_person(context), "address": context["about"] or context["person"].email}


def _device(context: Mapping[str, Any]) -> dict[str, str]:
    row = context["login"]
    if row is None:
        return _alarm(context)
    parts = (context["browser"], date_format(localtime(row.created_at), "SHORT_DATETIME_FORMAT"), row.address or "")
    return {**_alarm(context), "device": ", ".join(part for part in parts if part)}


def _needed(context: Mapping[str, Any]) -> dict[str, str]:
    day = context["person"].second_factor_from
    return {**_person(context), "day": date_format(localtime(day), "DATE_FORMAT") if day else ""}


def _token(context: Mapping[str, Any]) -> dict[str, str]:
    row = context["api_token"]
    if row is None:
        return _person(context)
    parts = [row.name, row.shown, str(row.role.label) if row.role else "", _until(row.expires_at)]
    return {**_person(context), "token": ", ".join(part for part in parts if part)}


def _until(day: Any) -> str:
    if day is None:
        return ""
    return str(pgettext_lazy("token", "until %(day)s")) % {"day": date_format(localtime(day), "DATE_FORMAT")}

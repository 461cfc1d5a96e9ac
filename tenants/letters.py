"""The letters about the account that a company may write in its own words."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants.letterbook import LINK, LINK_PLACE, NAME_PLACE, Letter, Place, letters

NEEDS_LINK = frozenset({LINK})
ACCOUNT = {"account": Place(_("The company whose account it is"), "Padaria Sol")}
DAY = {"day": Place(_("The day everything is deleted"), "22/12/2026")}


def register() -> None:
    """Put them into the book."""
    letters.register(
        "tenants/support_request",
        Letter(
            _("Support asks to come in"),
            _("An owner reads who wants to enter and why, and answers."),
            _request,
            {
                "name": NAME_PLACE,
                "who": Place(_("Who asks"), "Renata Vidal (Suporte)"),
                "address": Place(_("Their address"), "renata@suporte.example"),
                "reason": Place(_("Why"), _("The widget does not open.")),
                "role": Place(_("The role"), _("Agent")),
                "minutes": Place(_("For how many minutes"), "30"),
                **ACCOUNT,
                LINK: LINK_PLACE,
            },
            NEEDS_LINK,
            action=_("Read and answer"),
            order=10,
        ),
    )
    letters.register(
        "tenants/farewell_planned",
        Letter(
            _("Account closed"),
            _("Owners hear until when their data are kept, and download them."),
            _farewell,
            {**ACCOUNT, **DAY, "reason": Place(_("Why"), _("The contract is over.")), LINK: LINK_PLACE},
            NEEDS_LINK,
            action=_("Open"),
            order=20,
        ),
    )
    letters.register(
        "tenants/farewell_reminder",
        Letter(
            _("Before the deletion"),
            _("Owners are reminded seven days and one day before."),
            _farewell,
            {**ACCOUNT, **DAY, "time": Place(_("How long it is until then"), _("7 days")), LINK: LINK_PLACE},
            NEEDS_LINK,
            action=_("Open"),
            order=22,
        ),
    )
    letters.register(
        "tenants/farewell_undone",
        Letter(_("Account open again"), _("Owners hear that nothing is deleted."), _farewell, ACCOUNT, order=24),
    )
    letters.register(
        "tenants/farewell_export",
        Letter(
            _("Copy of everything"),
            _("Owners download the file they asked for."),
            _farewell,
            {**ACCOUNT, LINK: LINK_PLACE},
            NEEDS_LINK,
            action=_("Open"),
            order=26,
        ),
    )


def _request(context: Mapping[str, Any]) -> dict[str, str]:
    grant = context["grant"]
    return {
        "name": context["person"].get_short_name(),
        "who": grant.who,
        "address": grant.person_email,
        "reason": grant.reason,
        "role": str(grant.get_role_display()),
        "minutes": str(grant.minutes),
        "account": grant.tenant.name,
        LINK: context["link"],
    }


def _farewell(context: Mapping[str, Any]) -> dict[str, str]:
    tenant, days = context["tenant"], context["days"]
    until = tenant.delete_after
    return {
        "account": tenant.name,
        "day": date_format(localtime(until), "DATE_FORMAT") if until else "",
        "time": ngettext("%(days)s day", "%(days)s days", days) % {"days": days},
        "reason": context["reason"] or "–",
        LINK: context["link"],
    }

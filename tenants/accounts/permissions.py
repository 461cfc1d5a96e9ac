"""Which role may do what with people, and what a view of the API asks of whoever calls it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ops.kernel.registry import PermissionArea, PermissionDef, permission_areas, permissions

MANAGERS = {"owner", "admin"}
EVERYONE = MANAGERS | {"agent", "editor", "viewer", "billing"}
MANAGE_ROLES = "accounts.manage_role"
CREATE_TOKENS = "accounts.create_apitoken"
MANAGE_TOKENS = "accounts.manage_apitoken"

ALL = [
    PermissionDef(
        "accounts.view_user",
        _("See the team"),
        EVERYONE,
        "people",
        _("Names, e-mail addresses and roles of everybody."),
        support=True,
    ),
    PermissionDef(
        "accounts.change_user",
        _("Manage the team"),
        MANAGERS,
        "people",
        _("Invite and deactivate people and give them roles, none that allows more than their own."),
        for_tokens=False,
    ),
    PermissionDef(
        "accounts.change_login_rules",
        _("Change the rules of logging in"),
        MANAGERS,
        "people",
        _("Say which roles need a second factor, and take a lost one away."),
        for_tokens=False,
    ),
    PermissionDef(
        MANAGE_ROLES,
        _("Manage roles"),
        MANAGERS,
        "people",
        _("Make and change roles, with nothing in them that their own role does not hold."),
        for_tokens=False,
    ),
    PermissionDef(
        CREATE_TOKENS,
        _("Make personal API tokens"),
        MANAGERS | {"agent", "editor"},
        "access",
        _("Let a program act in their name, never with more than their role."),
        for_tokens=False,
    ),
    PermissionDef(
        MANAGE_TOKENS,
        _("Manage all API tokens"),
        MANAGERS,
        "access",
        _("Make service tokens, see everybody's tokens and revoke them, and set how long tokens live."),
        for_tokens=False,
    ),
    PermissionDef(
        "accounts.manage_identityprovider",
        _("Set up single sign-on"),
        {"owner"},
        "access",
        _("Decide which login service lets people in, and with which role."),
        for_tokens=False,
    ),
]


def register() -> None:
    """Offer them to the roles; called once at start."""
    permission_areas.register("people", PermissionArea(_("People and roles"), _("Company"), 300))
    permission_areas.register("access", PermissionArea(_("API access"), _("Company"), 310))
    for definition in ALL:
        permissions.register(definition.codename, definition)


def allows(user: Any, permission: str | None) -> bool:
    """Whether somebody may do this: the one question pages, the API and sockets ask.

    `None` means anybody of the tenant. A person's role decides; for a program also its token, and what asks for nothing
    in particular is about people themselves and no business of programs.
    """
    if not (user and user.is_authenticated and user.is_active):
        return False
    if permission is None:
        return getattr(user, "token", None) is None
    return user.has_perm(permission)


class RequiredPermissions(BasePermission):
    """Logged in, and holding what the view's `required_permissions` names for the action (or the HTTP method).

    `required_permissions = {"list": "chat.view_conversation", "create": "chat.reply_conversation"}`; `None` means any
    person of the tenant, and tokens only where the view says `open_to_tokens = True`. An action that is not named is
    refused: forgetting one must not open it.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Decide for this request."""
        if not (request.user and request.user.is_authenticated):
            return False
        needed: Mapping[str, str | None] = getattr(view, "required_permissions", {})
        action = getattr(view, "action", None) or str(request.method).lower()
        if request.method in {"OPTIONS", "HEAD"} and action not in needed:
            # HEAD is GET without a body, OPTIONS describes the address to people of the tenant.
            action = "get" if request.method == "HEAD" else "options"
            needed = {"options": None, **needed}
        if action not in needed:
            return False
        permission = needed[action]
        if permission is None and getattr(view, "open_to_tokens", False):
            return True
        return allows(request.user, permission)

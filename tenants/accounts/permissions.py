"""What a view of the API asks of the person who calls it."""

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class RequiredPermissions(BasePermission):
    """Logged in, and holding what the view's `required_permissions` names for the action (or the HTTP method).

    `required_permissions = {"list": "chat.view_conversation", "create": "chat.reply_conversation"}`; `None` means any
    person of the tenant. An action that is not named is refused: forgetting one must not open it.
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
        return permission is None or request.user.has_perm(permission)

"""Who may log in, and what their role lets them do."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.http import HttpRequest

from ops.kernel.registry import permissions
from tenants.accounts.models import User
from tenants.accounts.services import doors
from tenants.queries import hosts


class RoleBackend(BaseBackend):
    """Logs in by e-mail and password in the current schema; permissions come from the role alone."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **_: Any,
    ) -> User | None:
        """The active person with that e-mail and password, or nobody.

        An unknown e-mail costs one hash as well, so that the time of the answer tells nothing.
        """
        address = (email or username or "").strip().lower()
        if not address or not password or "\x00" in address or doors.only_way_in(address) is not None:
            return None
        user = User.objects.select_related("role").filter(email=address).first()
        if user is None:
            User().set_password(password)
            return None
        if user.check_password(password) and user.is_active:
            return user
        return None

    def get_user(self, user_id: Any) -> User | None:
        """The person behind a session; nobody when deactivated, so that open sessions stop at once."""
        try:
            key = user_id if isinstance(user_id, UUID) else UUID(str(user_id))
        except ValueError:
            return None
        return User.objects.select_related("role").active().filter(pk=key).first()

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Names `app.codename` of the role.

        Which role they hold, and how often it has changed, is read with the person at every request; what it allows is
        kept in the process, beside the hosts. So a change of either counts from the next request on, everywhere.
        """
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None or user_obj.role_id is None:
            return set()
        known: set[str] | None = getattr(user_obj, "_role_permissions", None)
        if known is None:
            role = user_obj.role
            key = f"role:{connection.schema_name}:{role.pk}:{role.revision}"
            held = hosts.remembered(key, lambda: _names(role.pk))
            known = set(held if user_obj.token is None else held & user_obj.token_allows)
            if user_obj.is_support:
                known &= {permission.codename for permission in permissions if permission.support}
            user_obj._role_permissions = known
        return known


def _names(role_id: UUID) -> frozenset[str]:
    name = Concat(F("content_type__app_label"), Value("."), F("codename"))
    return frozenset(Permission.objects.filter(roles=role_id).order_by().values_list(name, flat=True))

"""Users, roles and API logins of one schema."""

from tenants.accounts.models.api_session import ApiSession
from tenants.accounts.models.role import Role
from tenants.accounts.models.user import User

__all__ = ["ApiSession", "Role", "User"]

"""Users and roles of one schema."""

from tenants.accounts.models.role import Role
from tenants.accounts.models.user import User

__all__ = ["Role", "User"]

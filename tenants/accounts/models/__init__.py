"""Users, roles, invitations, logins, tokens, identity providers of one schema."""

from tenants.accounts.models.api_session import ApiSession
from tenants.accounts.models.api_token import ApiToken
from tenants.accounts.models.brake import Brake
from tenants.accounts.models.identity_provider import (
    EmailDomain,
    ExternalIdentity,
    IdentityProvider,
    SignIn,
    SpentAssertion,
)
from tenants.accounts.models.invitation import Invitation
from tenants.accounts.models.login import Login
from tenants.accounts.models.role import Role
from tenants.accounts.models.user import User

__all__ = [
    "ApiSession",
    "ApiToken",
    "Brake",
    "EmailDomain",
    "ExternalIdentity",
    "IdentityProvider",
    "Invitation",
    "Login",
    "Role",
    "SignIn",
    "SpentAssertion",
    "User",
]

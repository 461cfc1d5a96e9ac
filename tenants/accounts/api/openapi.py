"""How the schema document describes the ways to authenticate."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    """How the schema document describes the token."""

    target_class = "tenants.accounts.authentication.SchemaJWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """HTTP bearer with a JWT."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token of `POST /api/v1/auth/login/`.",
        }


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema document describes API tokens."""

    target_class = "tenants.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """The scheme is not one of HTTP's registered ones, so it is described as a header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token blc_…`, made at `/settings/tokens/`. It opens what both its scopes and its role allow.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """How the schema document describes the browser's session."""

    target_class = "tenants.accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """The session cookie."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "session",
            "description": "A logged-in browser; writing also needs `X-CSRFToken`.",
        }

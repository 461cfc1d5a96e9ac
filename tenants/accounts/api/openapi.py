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

"""Who calls the API: a bearer of our JWT, a program with a token, or a browser that is logged in."""

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from tenants.accounts.errors import TokenRefused
from tenants.accounts.models import User
from tenants.accounts.services import sessions, tokens


class SchemaJWTAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access>`, for the schema it was made in and while its login is open."""

    keyword = "bearer"

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """The person, or nothing when no bearer token was sent. Raises `AuthenticationFailed` for a bad one.

        Raises `SecondFactorMissing` for somebody whose role needs a second factor and who has none.
        """
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.encode():
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed(str(TokenRefused.message))
        try:
            token = parts[1].decode()
            user = sessions.person_behind(token, now=timezone.now())
        except (UnicodeError, TokenRefused) as error:
            raise exceptions.AuthenticationFailed(str(TokenRefused.message)) from error
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return f'Bearer realm="{connection.schema_name}"'


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Token <token>`: a program, as its person or as a service, with no more than the token allows."""

    keyword = "token"

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """Who acts, or nothing when no token was sent. Raises `AuthenticationFailed` for a bad one."""
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.encode():
            return None
        try:
            (text,) = (part.decode() for part in parts[1:])
            user = tokens.behind(text, now=timezone.now(), address=request.META.get("REMOTE_ADDR", ""))
        except (ValueError, TokenRefused) as error:
            raise exceptions.AuthenticationFailed(
                _("This token is not valid here: it has ended, was revoked, or is of another company.")
            ) from error
        return user, text

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return f'Token realm="{connection.schema_name}"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, for our own pages' fetches; CSRF is checked, and a stranger gets 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        """Named after the scheme a program would use."""
        return f'Bearer realm="{connection.schema_name}"'

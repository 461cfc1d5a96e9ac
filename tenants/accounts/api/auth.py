"""Logging in to the API: e-mail and password for a pair of tokens, a new pair for an old one, and out."""

from typing import Any

from dj_rest_auth import views as dj_rest_auth
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.accounts.api.serializers import LoginSerializer, MeSerializer, PairSerializer, RefreshSerializer
from tenants.accounts.errors import LoginRefused, SecondFactorRefused
from tenants.accounts.permissions import RequiredPermissions
from tenants.accounts.services import attempts, sessions


class LoginView(dj_rest_auth.LoginView):
    """Log in with the e-mail and the password of a person of this tenant."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = LoginSerializer

    @extend_schema(operation_id="auth_login", request=LoginSerializer, responses={200: PairSerializer}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a pair of tokens. The access token works for fifteen minutes, on this host only.

        Somebody with a second factor sends the six digits of the authenticator app, or a recovery code, as `otp`.
        Without it the answer is 401 with the code `second_factor_required`, with a wrong one `second_factor_refused`.
        A passkey answers only browsers: with nothing else set up, use a recovery code or a personal token. After too
        many wrong tries the answer is 429 and says when to come back.
        """
        sent = self.get_serializer(data=request.data)
        sent.is_valid(raise_exception=True)
        email, caller = sent.validated_data["email"], request.META.get("REMOTE_ADDR", "")
        attempts.begin(email=email, caller=caller)
        try:
            pair = sessions.open_with_password(
                **sent.validated_data,
                user_agent=request.headers.get("User-Agent", ""),
                address=caller,
                now=timezone.now(),
            )
        except (LoginRefused, SecondFactorRefused):
            attempts.fail(email=email, caller=caller, host=request.get_host())
            raise
        return _answer(pair)


class RefreshView(GenericAPIView):
    """Keep a login going."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = RefreshSerializer

    @extend_schema(operation_id="auth_refresh", request=RefreshSerializer, responses={200: PairSerializer}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Exchange a refresh token for a new pair. Each is good for one use; using one twice ends the login."""
        sent = self.get_serializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return _answer(sessions.rotate(refresh=sent.validated_data["refresh"], now=timezone.now()))


class LogoutView(GenericAPIView):
    """End a login."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = RefreshSerializer

    @extend_schema(operation_id="auth_logout", request=RefreshSerializer, responses={204: None}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the login of this refresh token; its access token stops at once. An ended one is no error."""
        sent = self.get_serializer(data=request.data)
        sent.is_valid(raise_exception=True)
        sessions.end(refresh=sent.validated_data["refresh"], now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(dj_rest_auth.UserDetailsView):
    """The person behind the token."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": None}
    open_to_tokens = True
    serializer_class = MeSerializer
    http_method_names = ["get", "head", "options"]

    @extend_schema(operation_id="auth_me", responses={200: MeSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who am I, and what may I do?"""
        return Response(self.get_serializer(request.user).data)


def _answer(pair: sessions.Pair) -> Response:
    body = PairSerializer({"access": pair.access, "refresh": pair.refresh}).data
    # Tokens must not stay in anybody's cache (RFC 6749, 5.1).
    return Response(body, headers={"Cache-Control": "no-store"})

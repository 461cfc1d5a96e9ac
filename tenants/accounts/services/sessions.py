"""API logins: pairs of JWTs that name their schema and can be ended.

An access token lives fifteen minutes, a refresh token fourteen days and is good for one use: using it returns a new
pair. Using one twice means that two parties hold it, so the whole login ends and its owner gets a letter.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Q
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from ops.kernel import live
from ops.kernel.audit import services as audit
from ops.kernel.errors import NotFound
from tenants.accounts.errors import (
    LoginRefused,
    SecondFactorMissing,
    SecondFactorRefused,
    SecondFactorRequired,
    TokenRefused,
    WrongCode,
)
from tenants.accounts.models import ApiSession, User
from tenants.accounts.services import codes, doors, emails

SCHEMA_CLAIM = "schema"
SESSION_CLAIM = "sid"
# A used refresh token that turns up again must find its login, to be recognised as used.
KEPT_AFTER_END = timedelta(days=30)
# How long the refresh token used last is still answered, with the pair its use has made.
GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client keeps; never logged."""

    access: str
    refresh: str

    def __repr__(self) -> str:
        return "<Pair of tokens>"


def open_with_password(
    *, email: str, password: str, now: datetime, otp: str = "", user_agent: str = "", address: str | None = None
) -> Pair:
    """Log in to the API of the current schema.

    Raises `LoginRefused` without saying what was wrong; after the right password `SecondFactorRequired` for somebody
    who has a second factor and sent no `otp`, and `SecondFactorRefused` for a wrong one. People of a domain with an
    enforced identity provider have no password here: `SignOnRequired`, before anything is looked up.
    """
    doors.require_own(email=email)
    user = authenticate(None, email=email, password=password)
    if not isinstance(user, User):
        raise LoginRefused
    if user.second_factor_at is not None:
        if not otp:
            raise SecondFactorRequired
        try:
            codes.check(user=user, code=otp, now=now)
        except WrongCode as error:
            raise SecondFactorRefused from error
    return begin(user=user, now=now, user_agent=user_agent, address=address)


@transaction.atomic
def begin(*, user: User, now: datetime, user_agent: str = "", address: str | None = None) -> Pair:
    """Tokens for somebody who has shown everything there is to show."""
    refresh_id = uuid4()
    session = ApiSession.objects.create(
        user=user,
        refresh_id=refresh_id,
        expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME,
        user_agent=user_agent[:300],
        address=address or None,
        last_used_at=now,
    )
    User.objects.filter(pk=user.pk).update(last_login=now)
    audit.record("accounts.api_login", by=user, on=user, now=now)
    return _pair(session, refresh_id)


def rotate(*, refresh: str, now: datetime) -> Pair:
    """A new pair for a refresh token. Raises `TokenRefused`; one that was used before ends its login.

    Two tabs of one browser may send the same token at the same moment: for `GRACE` the one just used gets the pair
    that the first use made, instead of ending the login of somebody who did nothing wrong.
    """
    token = _read(RefreshToken, refresh)
    session_id, refresh_id = _uuid(token.get(SESSION_CLAIM)), _uuid(token.get("jti"))
    fresh = uuid4()
    here = ApiSession.objects.open(now).filter(pk=session_id, user__is_active=True)
    # The condition is the lock: of two clients with the same token, one finds it already replaced.
    changed = here.filter(refresh_id=refresh_id).update(
        refresh_id=fresh,
        previous_id=refresh_id,
        rotated_at=now,
        expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME,
        last_used_at=now,
        updated_at=now,
    )
    if changed:
        return _pair(ApiSession.objects.get(pk=session_id), fresh)
    session = here.select_related("user").filter(previous_id=refresh_id, rotated_at__gte=now - GRACE).first()
    if session is not None:
        return _pair(session, session.refresh_id)
    _end_stolen(session_id, now)
    raise TokenRefused


@transaction.atomic
def _end_stolen(session_id: UUID, now: datetime) -> None:
    """Two parties hold the same login: nobody knows which is the right one, so both lose it and the owner is told."""
    session = ApiSession.objects.open(now).select_for_update(of=("self",)).filter(pk=session_id).first()
    if session is None:
        return
    session.ended_at = now
    session.save(update_fields=["ended_at", "updated_at"])
    user = session.user
    tell_sockets(user.pk)
    audit.record("accounts.refresh_reused", by="refresh", on=user, detail={"login": str(session.pk)}, now=now)
    emails.send("refresh_reused", user=user)


def end(*, refresh: str, now: datetime) -> None:
    """Log out: access and refresh tokens of this login stop at once. An unknown or ended token is no error."""
    try:
        token = _read(RefreshToken, refresh)
    except TokenRefused:
        return
    ended = _uuid(token.get(SESSION_CLAIM))
    if ApiSession.objects.open(now).filter(pk=ended).update(ended_at=now, updated_at=now):
        tell_sockets(_uuid(token.get(api_settings.USER_ID_CLAIM)))


@transaction.atomic
def end_one(*, user: User, session_id: UUID, by: Any, now: datetime) -> None:
    """End one API login of a person. Raises `NotFound` for one of somebody else."""
    if not ApiSession.objects.open(now).filter(user=user, pk=session_id).update(ended_at=now, updated_at=now):
        raise NotFound
    tell_sockets(user.pk)
    audit.record("accounts.login_ended", by=by, on=user, now=now)


def end_all(*, user: User, now: datetime) -> None:
    """End every API login of a person: deactivated, or the password changed."""
    ApiSession.objects.open(now).filter(user=user).update(ended_at=now, updated_at=now)
    tell_sockets(user.pk)


def forget_old(*, now: datetime) -> int:
    """Delete the API logins that are over for thirty days, and browser sessions that are over; says how many."""
    over = Q(expires_at__lt=now - KEPT_AFTER_END) | Q(ended_at__lt=now - KEPT_AFTER_END)
    logins, _kinds = ApiSession.objects.filter(over).delete()
    browsers, _kinds = Session.objects.filter(expire_date__lt=now).delete()
    return logins + browsers


@dataclass(frozen=True, slots=True)
class Login:
    """Who holds an access token, under which login, and until when."""

    user: User
    session_id: UUID
    expires_at: datetime


def person_behind(access: str, *, now: datetime) -> User:
    """The active person of an access token made for this schema whose login has not ended. Raises `TokenRefused`,

    and `SecondFactorMissing` for somebody whose role needs a second factor and who has none.
    """
    user = _login_behind(access, now=now).user
    if user.lacks_second_factor(now):
        raise SecondFactorMissing
    return user


def login_behind(access: str, *, now: datetime) -> Login:
    """The login of an access token, for doors that stay open: it ends at `expires_at`. Raises `TokenRefused`."""
    login = _login_behind(access, now=now)
    if login.user.lacks_second_factor(now):
        raise TokenRefused
    return login


def _login_behind(access: str, *, now: datetime) -> Login:
    token = _read(AccessToken, access)
    session = (
        ApiSession.objects.open(now)
        .select_related("user__role")
        .filter(
            pk=_uuid(token.get(SESSION_CLAIM)), user=_uuid(token.get(api_settings.USER_ID_CLAIM)), user__is_active=True
        )
        .first()
    )
    if session is None:
        raise TokenRefused
    return Login(session.user, session.pk, datetime.fromtimestamp(token["exp"], tz=UTC))


def still_open(*, api: Collection[UUID], browser: Collection[str], now: datetime) -> set[UUID | str]:
    """Which of these API logins and browser sessions have not ended."""
    found: set[UUID | str] = set()
    if api:
        found |= set(ApiSession.objects.open(now).filter(pk__in=api).values_list("pk", flat=True))
    if browser:
        rows = Session.objects.filter(session_key__in=browser, expire_date__gt=now)
        found |= set(rows.values_list("session_key", flat=True))
    return found


def tell_sockets(user_id: UUID) -> None:
    """After the commit, open sockets of this person look again at who they are and what they may."""
    live.push(live.group(f"user.{user_id}"), {"type": "person.changed"})


def _pair(session: ApiSession, refresh_id: UUID) -> Pair:
    refresh = RefreshToken()
    refresh[api_settings.USER_ID_CLAIM] = str(session.user_id)
    refresh[SESSION_CLAIM] = str(session.pk)
    refresh[SCHEMA_CLAIM] = connection.schema_name
    access = refresh.access_token
    refresh["jti"] = str(refresh_id)
    return Pair(access=str(access), refresh=str(refresh))


def _read(kind: type[Token], raw: str) -> Token:
    try:
        token = kind(raw)  # type: ignore[arg-type]  # the stubs know only tokens made from tokens
    except (TokenError, ValueError, TypeError) as error:
        raise TokenRefused from error
    # One key signs for every schema and a user id says nothing about where it lives: the claim decides.
    if token.get(SCHEMA_CLAIM) != connection.schema_name:
        raise TokenRefused
    return token


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise TokenRefused from error

"""API tokens: shown once, found again by a digest, never able to do more than whoever they act for.

A token is `blc_`, thirty random letters and digits (178 bits) and six more that are a checksum of them: programs that
look for leaked secrets know it by its shape, and a typing error costs no question to the database. We keep SHA-256 of the
schema and the token: a password needs a slow hash because people choose it, 178 random bits cannot be tried; and the
schema in it makes a row worth nothing in any other tenant, as after a clone.
"""

import secrets
import string
import zlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ops.kernel.audit import services as audit
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.errors import FieldError, Invalid, PermissionRefused
from tenants.accounts.enums import TokenKind
from tenants.accounts.errors import SecondFactorMissing, TokenNotFound, TokenRefused, TooManyTokens
from tenants.accounts.models import ApiToken, User
from tenants.accounts.permissions import CREATE_TOKENS, MANAGE_TOKENS
from tenants.accounts.services import emails, scopes, sessions, users

START = "blc_"
RANDOM, CHECKSUM = 30, 6
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHOWN = len(START) + 6
DEFAULT_DAYS = 90
MOST_LIVE = 50
USE_NOTED_EVERY = timedelta(minutes=1)
WARNED_BEFORE = timedelta(days=7)
KEPT_AFTER_END = timedelta(days=90)

POLICY = "accounts.tokens"
DEFINITION = Definition(
    POLICY,
    _("API tokens"),
    fields=(
        Field("max_days", _("Longest life of a token in days"), type=int, default=365, min_value=1, max_value=730),
    ),
    order=60,
)


def max_days() -> int:
    """How long a new token of this tenant may live."""
    return int(configuration.get(POLICY)["max_days"])


def set_max_days(*, days: int, by: Any, now: datetime) -> None:
    """Change how long new tokens may live; those that exist live on as they were made."""
    configuration.set(POLICY, {"max_days": days}, by=by, now=now)


# --- Making and ending ---


@transaction.atomic
def create_personal(
    *, user: User, name: str, scope_names: Sequence[str], days: int, now: datetime, host: str = ""
) -> tuple[ApiToken, str]:
    """A token that acts as this person, and its text, which nobody can read again.

    Raises `PermissionRefused`, `TooManyTokens`, or `Invalid` naming the field.
    """
    _by_a_person(user, CREATE_TOKENS)
    # The row of the person is the lock: two requests at once would both find room.
    User.objects.select_for_update().get(pk=user.pk)
    if ApiToken.objects.of(user).live(now).count() >= MOST_LIVE:
        raise TooManyTokens(limit=MOST_LIVE)
    return _make(TokenKind.PERSONAL, user, name=name, scope_names=scope_names, days=days, by=user, now=now, host=host)


@transaction.atomic
def create_service(
    *, by: User, name: str, role: str, scope_names: Sequence[str], days: int, now: datetime, host: str = ""
) -> tuple[ApiToken, str]:
    """A token that belongs to nobody, with a role of its own that holds nothing its maker does not.

    Raises `PermissionRefused`, `MoreThanYours`, `UnknownRole`, or `Invalid` naming the field.
    """
    _by_a_person(by, MANAGE_TOKENS)
    found = users.role_called(role)
    users.require_held(by, found)
    key = secrets.token_hex(8)
    author = User(email=f"service-{key}@service.invalid", name=_name(name), is_service=True, is_active=False)
    author.set_unusable_password()
    author.save()
    return _make(
        TokenKind.SERVICE, author, name=name, scope_names=scope_names, days=days, by=by, now=now, host=host, role=found
    )


def _make(
    kind: TokenKind,
    user: User,
    *,
    name: str,
    scope_names: Sequence[str],
    days: int,
    by: User,
    now: datetime,
    host: str,
    **more: Any,
) -> tuple[ApiToken, str]:
    longest = max_days()
    if not 1 <= days <= longest:
        words = _("Choose between 1 and %(limit)s days.") % {"limit": longest}
        raise Invalid(errors=[FieldError("days", "out_of_range", words)])
    chosen = sorted(set(scope_names))
    unknown = [one for one in chosen if one not in scopes.known()]
    if unknown or not chosen:
        words = str(_("Choose what the token may do.") if not chosen else _("There is no such scope."))
        raise Invalid(errors=[FieldError("scopes", "unknown_scope" if unknown else "required", words)])
    plain = new()
    token = ApiToken.objects.create(
        kind=kind,
        name=_name(name),
        user=user,
        created_by=by,
        prefix=plain[:SHOWN],
        digest=digest_of(plain),
        scopes=[scopes.ALL] if scopes.ALL in chosen else chosen,
        expires_at=now + timedelta(days=days),
        **more,
    )
    audit.record(
        "accounts.token_created",
        by=by,
        on=token,
        detail={
            "kind": kind.value,
            "begins_with": token.prefix,
            "scopes": token.scopes,
            "role": token.role.slug if token.role else "",
            "expires_at": token.expires_at.isoformat(),
        },
        now=now,
    )
    emails.send("token_created", user=by, host=host, about=str(token.pk))
    return token, plain


@transaction.atomic
def revoke(*, token_id: UUID, by: User, now: datetime) -> None:
    """End a token at once: one's own, or anybody's for who manages them. Raises `TokenNotFound`."""
    token = visible_to(by).select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        raise TokenNotFound
    if token.revoked_at is not None:
        return
    token.revoked_at = now
    token.save(update_fields=["revoked_at", "updated_at"])
    sessions.tell_sockets(token.user_id)
    audit.record("accounts.token_revoked", by=by, on=token, detail={"begins_with": token.prefix}, now=now)


def visible_to(user: User) -> Any:
    """The tokens somebody may see: their own, and all for who manages them."""
    rows = ApiToken.objects.all()
    return rows if user.has_perm(MANAGE_TOKENS) else rows.of(user)


# --- Using ---


def new() -> str:
    """The text of a fresh token."""
    body = "".join(secrets.choice(LETTERS) for _ in range(RANDOM))
    return START + body + _checksum(body)


def looks_right(text: str) -> bool:
    """Whether it has the shape of a token and its checksum fits."""
    body, check = text[len(START) : -CHECKSUM], text[-CHECKSUM:]
    return (
        text.startswith(START)
        and len(text) == len(START) + RANDOM + CHECKSUM
        and text.isascii()
        and _checksum(body) == check
    )


def digest_of(text: str) -> str:
    """What is kept of a token of the current schema."""
    return sha256(f"{connection.schema_name}|{text}".encode()).hexdigest()


def behind(text: str, *, now: datetime, address: str = "") -> User:
    """Who acts with this token: its person, or the service as a person that has the token's role.

    The use is noted. Raises `TokenRefused`, and `SecondFactorMissing` for somebody who has to set one up first.
    """
    if not looks_right(text):
        raise TokenRefused
    token = ApiToken.objects.live(now).select_related("user__role", "role").filter(digest=digest_of(text)).first()
    user = acting(token) if token is not None else None
    if token is None or user is None:
        raise TokenRefused
    if not token.is_service and user.lacks_second_factor(now):
        raise SecondFactorMissing
    _note_use(token, now=now, address=address)
    return user


def acting(token: ApiToken) -> User | None:
    """The person a token acts as, holding no more than the token allows; nobody when the person is deactivated."""
    user = token.user
    if token.is_service:
        # Only for this request: the row itself can never log in.
        user.is_active, user.role = True, token.role
    elif not user.is_active:
        return None
    user.token, user.token_allows = token, scopes.permissions_of(token.scopes)
    return user


def still_live(keys: Collection[UUID], *, now: datetime) -> dict[UUID, ApiToken]:
    """Which of these tokens still open doors."""
    rows = ApiToken.objects.live(now).select_related("user__role", "role").filter(pk__in=keys) if keys else ()
    return {row.pk: row for row in rows}


def _note_use(token: ApiToken, *, now: datetime, address: str) -> None:
    last = token.last_used_at
    if last is not None and now - last < USE_NOTED_EVERY:
        return
    ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY), pk=token.pk).update(
        last_used_at=now, last_used_from=address or None
    )


# --- Watching ---


def warn_of_ends(*, now: datetime) -> int:
    """Write once, a week before it ends, to whom a token belongs (of a service: to who made it); says how many."""
    ending = ApiToken.objects.live(now).filter(
        warned_at=None,
        expires_at__lte=now + WARNED_BEFORE,
        # What was made for less than two weeks needs no letter about a week.
        expires_at__gt=F("created_at") + 2 * WARNED_BEFORE,
    )
    count = 0
    for token in ending.select_related("user", "created_by").order_by("expires_at", "pk"):
        with transaction.atomic():
            if not ApiToken.objects.filter(pk=token.pk, warned_at=None).update(warned_at=now):
                continue
            reader = token.created_by if token.is_service else token.user
            if reader is not None and reader.is_active:
                emails.send("token_ends", user=reader, about=str(token.pk))
                count += 1
    return count


def forget_old(*, now: datetime) -> int:
    """Delete what ended three months ago. The name a service wrote under stays with what it wrote."""
    over = Q(expires_at__lt=now - KEPT_AFTER_END) | Q(revoked_at__lt=now - KEPT_AFTER_END)
    return ApiToken.objects.filter(over).delete()[0]


def _by_a_person(user: User, permission: str) -> None:
    if user.token is not None or not user.has_perm(permission):
        raise PermissionRefused


def _name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= 80:
        raise Invalid(errors=[FieldError("name", "invalid", str(_("Say in a few words what it is for.")))])
    return name


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _place in range(CHECKSUM):
        number, rest = divmod(number, len(LETTERS))
        digits = LETTERS[rest] + digits
    return digits

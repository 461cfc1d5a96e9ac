"""The way to an identity provider and back: begin, answer, finish, and out again.

Every step names the one before. What a provider is sent carries a signed value of this schema or the id of our request;
what comes back must name it, in the browser that began (`browser`, a cookie's secret), once, within minutes. Refusals say
why: in the log, in the audit (within limits, because strangers can knock here), and calmly on the page.
"""

import logging
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare
from django_tenants.utils import schema_context

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError
from ops.kernel.ratelimit import hit
from tenants.accounts.enums import IdentityProviderKind, SignInPurpose
from tenants.accounts.errors import SignInRefused
from tenants.accounts.models import IdentityProvider, Login, SignIn, SpentAssertion, User
from tenants.accounts.providers import oidc
from tenants.accounts.providers.base import Answer, Claims
from tenants.accounts.services import arrivals, connections, logins

log = logging.getLogger(__name__)

# Where a session of ours keeps which sign-in it came of.
SESSION_KEY = "sso"
# How long somebody may take to log in over there.
AWAITED = timedelta(minutes=15)
# How long the step from the provider's answer to our session may take.
FINISH_S = 300
# Kept after it is over: a provider may end the session as long as it lasts, and no answer may come twice meanwhile.
KEPT = timedelta(days=15)
STATE_SALT = "accounts.sign-in.state"
FINISH_SALT = "accounts.sign-in.finish"
LEAVE_SALT = "accounts.sign-in.leave"
LEAVE_S = 3600
GOOGLE_SALT = "accounts.sign-in.google"
# Strangers can make us write down refusals; the ledger keeps so many of them, the log all.
NOTED_LIMIT, NOTED_WINDOW_S = 60, 15 * 60


def new_browser() -> str:
    """The secret a browser keeps in a cookie while somebody is away at a provider."""
    return secrets.token_urlsafe(24)


def begin(
    *,
    provider: IdentityProvider,
    base: str,
    browser: str,
    now: datetime,
    purpose: str = SignInPurpose.LOGIN,
    next_path: str = "",
    by: User | None = None,
    hint: str = "",
) -> str:
    """Where the browser is sent. Raises `SignInRefused` when the provider cannot be asked."""
    sign_in = SignIn(
        provider=provider,
        purpose=purpose,
        browser=_fingerprint(browser),
        next_path=next_path[:500],
        expires_at=now + AWAITED,
        user=by,
    )
    try:
        url = (
            _begin_saml(sign_in, base)
            if provider.kind == IdentityProviderKind.SAML
            else _begin_oidc(sign_in, base, hint)
        )
    except DomainError as error:
        raise connections.refusal(error, provider) from error
    sign_in.save(force_insert=True)
    return url


def _begin_saml(sign_in: SignIn, base: str) -> str:
    party = connections.party(sign_in.provider, base)
    url, sign_in.request_key = party.login_url(relay_state="", fresh_login=sign_in.purpose == SignInPurpose.TEST)
    return url


def _begin_oidc(sign_in: SignIn, base: str, hint: str) -> str:
    provider = sign_in.provider
    sign_in.request_key, sign_in.nonce, sign_in.verifier = secrets.token_hex(20), secrets.token_hex(20), oidc.verifier()
    state = signing.dumps(str(sign_in.pk), salt=STATE_SALT)
    if provider.kind == IdentityProviderKind.GOOGLE:
        # Google sends everybody to one address of the platform; what it carries says whose it is.
        schema = connection.schema_name
        with schema_context(settings.PUBLIC_SCHEMA_NAME):
            state = signing.dumps([schema, str(provider.pk), state], salt=GOOGLE_SALT)
    return oidc.authorization_url(
        connections.client(provider),
        redirect_uri=connections.redirect_uri(provider, base),
        state=state,
        nonce=sign_in.nonce,
        verifier=sign_in.verifier,
        hint=hint,
        fresh_login=sign_in.purpose == SignInPurpose.TEST,
    )


def google_state(state: str) -> tuple[str, str, str]:
    """Schema, provider and inner state of what Google brought to the platform. Raises `SignInRefused`."""
    try:
        schema, provider, inner = signing.loads(state, salt=GOOGLE_SALT, max_age=int(AWAITED.total_seconds()))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise SignInRefused("state", provider="Google", words="the state is not ours") from error
    return str(schema), str(provider), str(inner)


def answer_oidc(
    *, provider: IdentityProvider, base: str, browser: str, state: str, code: str, error: str, now: datetime
) -> SignIn:
    """Judge what a browser brought from an OpenID provider. Raises `SignInRefused`."""
    sign_in = _awaited_by_state(provider, state, browser, now)
    if error or not code:
        raise SignInRefused("said_no", provider=provider.name, words=error[:300] or "no code")
    # Once: the second of two requests finds it answered, and the code is not sent again.
    if not SignIn.objects.awaited(now).filter(pk=sign_in.pk).update(answered_at=now, updated_at=now):
        raise SignInRefused("replayed", provider=provider.name, words="the state was used")
    try:
        answer = oidc.exchange(
            connections.client(provider),
            code=code,
            redirect_uri=connections.redirect_uri(provider, base),
            verifier=sign_in.verifier,
            nonce=sign_in.nonce,
        )
    except DomainError as failure:
        raise connections.refusal(failure, provider) from failure
    _spend(provider, answer)
    sign_in.claims, sign_in.id_token, sign_in.verifier = answer.claims.stored(), answer.id_token, ""
    sign_in.save(update_fields=["claims", "id_token", "verifier", "updated_at"])
    return sign_in


def _awaited_by_state(provider: IdentityProvider, state: str, browser: str, now: datetime) -> SignIn:
    try:
        key = signing.loads(state, salt=STATE_SALT, max_age=int(AWAITED.total_seconds()))
    except signing.BadSignature as failure:
        raise SignInRefused("state", provider=provider.name, words=str(failure)) from failure
    sign_in = SignIn.objects.filter(provider=provider, pk=key).first()
    if sign_in is None:
        raise SignInRefused("state", provider=provider.name, words="the state is not of this provider")
    if not browser or not constant_time_compare(sign_in.browser, _fingerprint(browser)):
        raise SignInRefused("state", provider=provider.name, words="the state is of another browser")
    if sign_in.answered_at is not None:
        raise SignInRefused("replayed", provider=provider.name, words="the state was used")
    if sign_in.expires_at <= now:
        raise SignInRefused("state", provider=provider.name, words="the state is too old")
    return sign_in


def answer_saml(*, provider: IdentityProvider, base: str, response: str, now: datetime) -> SignIn:
    """Judge a response posted to our address. Raises `SignInRefused`.

    The post comes from another site, so the browser's cookie is not with it; `finish` asks for that.
    """
    try:
        answer = connections.party(provider, base).read(response=response, now=now)
    except DomainError as failure:
        raise connections.refusal(failure, provider) from failure
    _spend(provider, answer)
    if answer.in_reply_to:
        found = SignIn.objects.filter(provider=provider, request_key=answer.in_reply_to)
        sign_in = found.first() if found.awaited(now).update(answered_at=now, updated_at=now) else None
    elif provider.idp_initiated:
        sign_in = SignIn.objects.create(
            provider=provider, request_key=answer.key, expires_at=now + AWAITED, answered_at=now
        )
    else:
        raise SignInRefused("in_response_to", provider=provider.name, words="nobody asked, and that is switched off")
    if sign_in is None:
        words = f"{answer.in_reply_to!r} is no request of ours that waits"
        raise SignInRefused("in_response_to", provider=provider.name, words=words)
    sign_in.claims = answer.claims.stored()
    sign_in.save(update_fields=["claims", "updated_at"])
    return sign_in


def _spend(provider: IdentityProvider, answer: Answer) -> None:
    _row, fresh = SpentAssertion.objects.get_or_create(
        provider=provider, key=answer.key, defaults={"expires_at": answer.expires_at}
    )
    if not fresh:
        raise SignInRefused("replayed", provider=provider.name, words="the assertion was used")


def ticket(sign_in: SignIn) -> str:
    """What the browser carries from the answer to the last step."""
    return signing.dumps(str(sign_in.pk), salt=FINISH_SALT)


def finish(*, token: str, browser: str, now: datetime) -> SignIn:
    """The last step, in the browser that began: somebody is known (`user`), or a test has its `report`.

    Raises `SignInRefused`, of a test too: what is wrong is then in the report.
    """
    try:
        key = signing.loads(token, salt=FINISH_SALT, max_age=FINISH_S)
    except signing.BadSignature as failure:
        raise SignInRefused("state", words=str(failure)) from failure
    sign_in = SignIn.objects.select_related("provider", "user").filter(pk=key, answered_at__isnull=False).first()
    if sign_in is None:
        raise SignInRefused("state", words="no such sign-in")
    provider = sign_in.provider
    if sign_in.browser and not constant_time_compare(sign_in.browser, _fingerprint(browser)):
        raise SignInRefused("state", provider=provider.name, words="the answer came to another browser")
    if not SignIn.objects.filter(pk=sign_in.pk, finished_at=None).update(finished_at=now, updated_at=now):
        raise SignInRefused("replayed", provider=provider.name, words="the sign-in was finished")
    claims = Claims.restored(sign_in.claims)
    if sign_in.purpose == SignInPurpose.TEST:
        return _finish_test(sign_in, claims, now)
    if not provider.enabled:
        raise SignInRefused("settings", provider=provider.name, words="the provider is switched off")
    sign_in.user = arrivals.settle(provider=provider, claims=claims, now=now)
    sign_in.save(update_fields=["user", "updated_at"])
    return sign_in


@transaction.atomic
def _finish_test(sign_in: SignIn, claims: Claims, now: datetime) -> SignIn:
    provider = sign_in.provider
    try:
        arrival = arrivals.foresee(provider=provider, claims=claims, now=now)
    except SignInRefused as refusal:
        sign_in.report = {"works": False, "reason": refusal.reason, "words": str(refusal)}
    else:
        sign_in.report = {
            "works": True,
            "is_new": arrival.is_new,
            "person": str(arrival.user or ""),
            "role": arrival.role.slug if arrival.role else "",
        }
    sign_in.save(update_fields=["report", "updated_at"])
    # The round trip worked, whoever came: the connection is right even when this person has no place here.
    IdentityProvider.objects.filter(pk=provider.pk).update(tested_at=now, problem="", updated_at=now)
    audit.record(
        "accounts.sso_tested", by=sign_in.user, on=provider, detail={"works": sign_in.report["works"]}, now=now
    )
    return sign_in


def opened(*, sign_in_id: Any, login: Login, now: datetime) -> None:
    """Remember which of our logins came of it, so that the provider can end that one."""
    SignIn.objects.filter(pk=sign_in_id, user=login.user_id, login=None).update(login=login, updated_at=now)


def note_refusal(refusal: SignInRefused, *, provider: IdentityProvider | None, caller: str, now: datetime) -> None:
    """Write a refusal down: in the log always, in the audit while there are not too many of them."""
    name = provider.name if provider else ""
    log.warning(
        "Sign-in refused: %s", refusal.reason, extra={"provider": name, "words": refusal.words, "caller": caller}
    )
    if hit("sso:refused", limit=NOTED_LIMIT, window_s=NOTED_WINDOW_S).allowed:
        detail = {"reason": refusal.reason, "provider": name, "words": refusal.words[:300]}
        audit.record("accounts.sso_refused", by=name or "sso", on=provider, detail=detail, now=now)


# --- Out again ---------------------------------------------------------------------------------------


def leave_token(sign_in_id: str | None) -> str:
    """What a browser keeps of how it came in when its session ends; empty when it came another way."""
    return signing.dumps(sign_in_id, salt=LEAVE_SALT) if sign_in_id else ""


def left(token: str) -> SignIn | None:
    """The sign-in of a session that ended within the hour."""
    try:
        key = signing.loads(token, salt=LEAVE_SALT, max_age=LEAVE_S)
    except signing.BadSignature:
        return None
    return SignIn.objects.select_related("provider").filter(pk=key).first()


def logout_url(*, sign_in: SignIn, base: str) -> str:
    """Where a browser ends the provider's own session; empty when it has no such place, or cannot be asked."""
    provider, claims = sign_in.provider, Claims.restored(sign_in.claims)
    try:
        if provider.kind == IdentityProviderKind.SAML:
            return connections.party(provider, base).logout_url(
                name_id=str(claims.extra.get("name_id", "")),
                name_id_format=str(claims.extra.get("name_id_format", "")),
                session=claims.session,
                relay_state=connections.own_addresses(provider, base)["signed_out"],
            )
        return oidc.logout_url(
            connections.client(provider),
            id_token=sign_in.id_token,
            back_to=connections.own_addresses(provider, base)["signed_out"],
            state=secrets.token_hex(8),
        )
    except DomainError as error:
        log.warning("No logout at %s: %s", provider.name, error)
        return ""


def answer_saml_logout(*, provider: IdentityProvider, base: str, query: dict[str, str], now: datetime) -> str:
    """End the sessions a signed logout request names; says where the browser goes back to. Raises `SignInRefused`."""

    def end(name_id: str, named: list[str]) -> None:
        rows = SignIn.objects.filter(provider=provider, claims__extra__name_id=name_id)
        _end(rows.filter(claims__session__in=named) if named else rows, now)

    try:
        return connections.party(provider, base).answer_logout(query=query, end=end)
    except DomainError as failure:
        raise connections.refusal(failure, provider) from failure


def answer_back_channel(*, provider: IdentityProvider, token: str, now: datetime) -> None:
    """End the sessions a logout token names (OpenID Connect Back-Channel Logout). Raises `SignInRefused`."""
    try:
        said = oidc.verify_logout(connections.client(provider), token)
    except DomainError as failure:
        raise connections.refusal(failure, provider) from failure
    key = sha256(f"logout|{said['jti']}".encode()).hexdigest()
    _row, fresh = SpentAssertion.objects.get_or_create(
        provider=provider, key=key, defaults={"expires_at": now + timedelta(days=1)}
    )
    if not fresh:
        raise SignInRefused("replayed", provider=provider.name, words="the logout token was used")
    rows = SignIn.objects.filter(provider=provider)
    if said.get("sub"):
        rows = rows.filter(claims__subject=str(said["sub"]))
    if said.get("sid"):
        rows = rows.filter(claims__session=str(said["sid"]))
    _end(rows, now)


def _end(rows: Any, now: datetime) -> None:
    for sign_in in rows.filter(login__ended_at=None).exclude(login=None).select_related("login__user", "provider"):
        login: Any = sign_in.login
        logins.end(user=login.user, login_id=login.pk, by=arrivals.actor(sign_in.provider), now=now)


def forget_old(*, now: datetime) -> int:
    """Delete sign-ins that are over and assertions that could not come again anyway; says how many."""
    unanswered = Q(answered_at=None, expires_at__lt=now - timedelta(days=1))
    over, _kinds = SignIn.objects.filter(unanswered | Q(expires_at__lt=now - KEPT)).delete()
    spent, _kinds = SpentAssertion.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    return over + spent


def _fingerprint(browser: str) -> str:
    return sha256(browser.encode()).hexdigest() if browser else ""

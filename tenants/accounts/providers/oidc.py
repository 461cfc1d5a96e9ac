"""OpenID Connect Core 1.0 and Discovery 1.0: the authorization code flow with PKCE (RFC 7636).

PyJWT checks signatures; what an identity token must say is checked here, claim by claim (Core, 3.1.3.7).
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from django.core.cache import cache
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from ops.kernel import http
from ops.kernel.errors import PermanentFailure
from tenants.accounts.providers.base import Answer, AnswerRefused, Claims, SettingsRefused, texts

# Signatures by a published key. `none` signs nothing and HS* would make our client secret the key.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPES = "openid email profile"
TIMEOUT_S = 8
LEEWAY_S = 60
DISCOVERY_KEPT_S = 3600
KEYS_KEPT_S = 3600
# A token under an unknown key makes us look again, but not more often than this.
KEYS_PAUSE_S = 30
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a provider publishes about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows us by, and how we look at its addresses."""

    issuer: str
    client_id: str
    client_secret: str
    private_addresses: bool = False
    email_claim: str = "email"
    name_claim: str = "name"
    groups_claim: str = "groups"

    def __repr__(self) -> str:
        return f"<OpenID client {self.client_id} at {self.issuer}>"


def discover(client: Client, *, fresh: bool = False) -> Discovery:
    """The provider's own description, kept for an hour.

    Raises `SettingsRefused` for a description that is not the issuer's, and `ops.kernel.http`'s failures.
    """
    key = f"oidc:discovery:{_digest(client.issuer)}"
    kept = None if fresh else cache.get(key)
    if kept is None:
        url = f"{client.issuer.rstrip('/')}/.well-known/openid-configuration"
        kept = _get_object(client, url)
        _described(client, kept)
        cache.set(key, kept, DISCOVERY_KEPT_S)
    return _described(client, kept)


def _described(client: Client, said: dict[str, Any]) -> Discovery:
    # Discovery, 4.3: a description that names another issuer must not be used.
    if said.get("issuer") != client.issuer:
        raise SettingsRefused(
            words=_("it calls itself %(said)s and not %(wanted)s.")
            % {"said": str(said.get("issuer") or "–")[:200], "wanted": client.issuer}
        )
    addresses = {
        name: str(said.get(name) or "")
        for name in (
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        )
    }
    for name, address in addresses.items():
        needed = name in {"authorization_endpoint", "token_endpoint", "jwks_uri"}
        if (needed or address) and not _is_usable(address, client.private_addresses):
            raise SettingsRefused(
                words=_("the address it gives as %(name)s cannot be used: %(address)s")
                % {"name": name, "address": address[:200] or "–"}
            )
    methods = texts(said.get("token_endpoint_auth_methods_supported")) or ("client_secret_basic",)
    return Discovery(issuer=client.issuer, auth_methods=methods, **addresses)


def _is_usable(address: str, private: bool) -> bool:
    parts = urlsplit(address)
    return parts.scheme in (("https", "http") if private else ("https",)) and bool(parts.hostname)


def verifier() -> str:
    """A fresh proof key."""
    return secrets.token_urlsafe(48)


def authorization_url(
    client: Client,
    *,
    redirect_uri: str,
    state: str,
    nonce: str,
    verifier: str,
    hint: str = "",
    fresh_login: bool = False,
) -> str:
    """Where a browser is sent to log in."""
    discovery = discover(client)
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if hint:
        query["login_hint"] = hint
    if fresh_login:
        query["prompt"] = "login"
    joint = "&" if urlsplit(discovery.authorization_endpoint).query else "?"
    return f"{discovery.authorization_endpoint}{joint}{urlencode(query)}"


def exchange(client: Client, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Answer:
    """Turn the code a browser brought into checked claims. Raises `AnswerRefused` and `ops.kernel.http`'s failures."""
    discovery = discover(client)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    auth = None
    if client.client_secret and "client_secret_basic" in discovery.auth_methods:
        auth = (_form_encoded(client.client_id), _form_encoded(client.client_secret))
    else:
        form["client_id"] = client.client_id
        if client.client_secret:
            form["client_secret"] = client.client_secret
    with _http(client, auth=auth) as outside:
        try:
            said = _object(outside.post(discovery.token_endpoint, data=form))
        except http.ServiceRefused as error:
            raise AnswerRefused("code", str(error.words)) from error
    token = said.get("id_token")
    if not isinstance(token, str):
        raise AnswerRefused("no_token", "the token endpoint gave no id_token")
    said_of_person = verify(client, token, nonce=nonce)
    access = said.get("access_token")
    missing = not said_of_person.get(client.email_claim) or client.groups_claim not in said_of_person
    if missing and discovery.userinfo_endpoint and isinstance(access, str):
        said_of_person = _with_userinfo(client, discovery, said_of_person, access)
    return Answer(
        claims=_claims(client, said_of_person),
        key=_digest(token),
        expires_at=datetime.fromtimestamp(said_of_person["exp"], tz=UTC),
        id_token=token,
    )


def verify(client: Client, token: str, *, nonce: str) -> dict[str, Any]:
    """The claims of an identity token made for us, now, for this login. Raises `AnswerRefused`."""
    claims = _decode(client, token, require=["iss", "sub", "aud", "exp", "iat"])
    if not constant_time_compare(str(claims.get("nonce") or ""), nonce):
        raise AnswerRefused("nonce", "the token's nonce is not the one we sent")
    return claims


def verify_logout(client: Client, token: str) -> dict[str, Any]:
    """The claims of a logout token (Back-Channel Logout 1.0, 2.6). Raises `AnswerRefused`."""
    claims = _decode(client, token, require=["iss", "aud", "iat", "jti"])
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
        raise AnswerRefused("no_token", "not a logout token")
    if not (claims.get("sub") or claims.get("sid")):
        raise AnswerRefused("no_token", "the logout token names nobody")
    return claims


def logout_url(client: Client, *, id_token: str, back_to: str, state: str) -> str:
    """Where a browser is sent to log out there too; empty when the provider has no such place."""
    address = discover(client).end_session_endpoint
    if not address:
        return ""
    query = {"client_id": client.client_id, "post_logout_redirect_uri": back_to, "state": state}
    if id_token:
        query["id_token_hint"] = id_token
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _decode(client: Client, token: str, *, require: list[str]) -> dict[str, Any]:
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise AnswerRefused("no_token", str(error)) from error
    if head.get("alg") not in ALGORITHMS:
        raise AnswerRefused("algorithm", f"signed by {head.get('alg')!r}")
    try:
        claims = jwt.decode(
            token,
            _key(client, head),
            algorithms=[head["alg"]],
            audience=client.client_id,
            issuer=client.issuer,
            leeway=LEEWAY_S,
            options={"require": require},
        )
    except jwt.PyJWTError as error:
        raise AnswerRefused(_reason(error), f"{type(error).__name__}: {error}") from error
    # Core, 3.1.3.7: several audiences need a party it was made for, and that is us.
    party = claims.get("azp")
    if (isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and party is None) or (
        party is not None and party != client.client_id
    ):
        raise AnswerRefused("audience", f"authorized party {party!r}")
    return claims


def _reason(error: jwt.PyJWTError) -> str:
    return next(
        (
            reason
            for kind, reason in (
                (jwt.ExpiredSignatureError, "expired"),
                (jwt.ImmatureSignatureError, "expired"),
                (jwt.InvalidIssuedAtError, "expired"),
                (jwt.InvalidAudienceError, "audience"),
                (jwt.InvalidIssuerError, "issuer"),
                (jwt.InvalidSignatureError, "signature"),
                (jwt.MissingRequiredClaimError, "no_token"),
                (jwt.InvalidKeyError, "algorithm"),
            )
            if isinstance(error, kind)
        ),
        "signature",
    )


def _key(client: Client, head: dict[str, Any]) -> Any:
    """The published key a token says it was signed with; looked up again when the provider has new ones."""
    address = discover(client).jwks_uri
    for fresh in (False, True):
        found = _choose(_keys(client, address, fresh=fresh), head)
        if found is not None:
            return found
    raise AnswerRefused("signature", f"no key {head.get('kid')!r} at {address}")


def _choose(keys: list[dict[str, Any]], head: dict[str, Any]) -> Any:
    kid = head.get("kid")
    fitting = [key for key in keys if key.get("use", "sig") == "sig" and (kid is None or key.get("kid") == kid)]
    for one in fitting:
        if one.get("kty") == "oct" or (kid is None and len(fitting) > 1):
            continue
        try:
            return jwt.PyJWK.from_dict(one, algorithm=head["alg"]).key
        except jwt.PyJWTError:
            continue  # a key of another family, or one we cannot read
    return None


def _keys(client: Client, address: str, *, fresh: bool) -> list[dict[str, Any]]:
    name = f"oidc:keys:{_digest(address)}"
    kept = cache.get(name)
    if kept is None or (fresh and cache.add(f"{name}:pause", 1, KEYS_PAUSE_S)):
        said = _get_object(client, address).get("keys")
        kept = [key for key in said if isinstance(key, dict)] if isinstance(said, list) else []
        cache.set(name, kept, KEYS_KEPT_S)
    return kept


def count_keys(client: Client) -> int:
    """How many keys the provider publishes, looked up now."""
    address = discover(client, fresh=True).jwks_uri
    cache.delete(f"oidc:keys:{_digest(address)}")
    return len(_keys(client, address, fresh=True))


def _with_userinfo(client: Client, discovery: Discovery, claims: dict[str, Any], access: str) -> dict[str, Any]:
    with _http(client) as outside:
        try:
            more = _object(outside.get(discovery.userinfo_endpoint, headers={"Authorization": f"Bearer {access}"}))
        except PermanentFailure:
            return claims
    # Core, 5.3.2: what is said about somebody else must not be used.
    if more.get("sub") != claims["sub"]:
        raise AnswerRefused("subject", "userinfo is about somebody else")
    return {**more, **claims}


def _claims(client: Client, said: dict[str, Any]) -> Claims:
    if said.get("email_verified") in (False, "false") and client.email_claim == "email":
        raise AnswerRefused("email_unverified", "email_verified is false")
    email = said.get(client.email_claim)
    return Claims(
        subject=str(said["sub"])[:255],
        email=str(email).strip().lower()[:254] if isinstance(email, str) else "",
        name=str(said.get(client.name_claim) or "")[:120],
        groups=texts(said.get(client.groups_claim)),
        session=str(said.get("sid") or "")[:255],
        hosted_domain=str(said.get("hd") or "").lower(),
    )


def _http(client: Client, **options: Any) -> http.Client:
    return http.client(
        client.issuer, timeout=TIMEOUT_S, public_only=not client.private_addresses, max_bytes=512 * 1024, **options
    )


def _get_object(client: Client, url: str) -> dict[str, Any]:
    with _http(client) as outside:
        return _object(outside.get(url))


def _object(response: Any) -> dict[str, Any]:
    try:
        said = response.json()
    except ValueError as error:
        raise SettingsRefused(words=_("its answer is not what the standard asks for (no JSON).")) from error
    if not isinstance(said, dict):
        raise SettingsRefused(words=_("its answer is not what the standard asks for (no JSON)."))
    return said


def _form_encoded(text: str) -> str:
    # RFC 6749, 2.3.1: both halves are form-encoded before they become Basic.
    return urlencode({"": text})[1:]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

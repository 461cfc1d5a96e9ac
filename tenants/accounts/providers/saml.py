"""SAML 2.0, web browser single sign-on and single logout, as the service provider.

python3-saml builds the messages and checks their signatures, issuers and times. It lets some things pass that the
profile asks for (a missing audience, a recipient that only contains our address, a reply whose only tie to our request
stands outside the signature), so what a signed assertion must say is checked once more here, exactly.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.utils.translation import gettext as _
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from ops.kernel import http
from tenants.accounts.providers.base import Answer, AnswerRefused, Claims, SettingsRefused, texts

TIMEOUT_S = 8
MAX_MESSAGE = 512 * 1024
# Clocks differ; python3-saml allows as much.
DRIFT = timedelta(minutes=5)
OWN_KEY_YEARS = 10
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL_NAME = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
# A signature may leave itself out and bring the rest into order; anything else could leave out more.
TRANSFORMS = {
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
}
# Where the usual services put things, when nobody says otherwise.
EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
NAME_ATTRIBUTES = (
    "displayName",
    "name",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
)
GROUP_ATTRIBUTES = ("groups", "memberOf", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups")

Refusal = OneLogin_Saml2_ValidationError
REASONS = {
    Refusal.NO_SIGNATURE_FOUND: "unsigned",
    Refusal.NO_SIGNED_ASSERTION: "unsigned",
    Refusal.NO_SIGNED_MESSAGE: "unsigned",
    Refusal.WRONG_AUDIENCE: "audience",
    Refusal.WRONG_DESTINATION: "recipient",
    Refusal.EMPTY_DESTINATION: "recipient",
    Refusal.WRONG_ISSUER: "issuer",
    Refusal.ISSUER_MULTIPLE_IN_RESPONSE: "issuer",
    Refusal.ISSUER_NOT_FOUND_IN_ASSERTION: "issuer",
    Refusal.WRONG_INRESPONSETO: "in_response_to",
    Refusal.ASSERTION_EXPIRED: "expired",
    Refusal.ASSERTION_TOO_EARLY: "expired",
    Refusal.SESSION_EXPIRED: "expired",
    Refusal.RESPONSE_EXPIRED: "expired",
    Refusal.STATUS_CODE_IS_NOT_SUCCESS: "said_no",
    Refusal.DEPRECATED_SIGNATURE_METHOD: "algorithm",
    Refusal.DEPRECATED_DIGEST_METHOD: "algorithm",
}


@dataclass(frozen=True, slots=True)
class Description:
    """What a provider's metadata says."""

    entity_id: str
    sso_url: str
    slo_url: str
    certificates: tuple[str, ...]


@dataclass(frozen=True)
class Party:
    """The two sides of one login service: the provider as it was set up, and our own addresses and keys."""

    entity_id: str
    sso_url: str
    slo_url: str
    certificates: tuple[str, ...]
    own_entity_id: str
    own_acs_url: str
    own_slo_url: str
    own_certificate: str
    own_key: str
    email_attribute: str = ""
    name_attribute: str = ""
    groups_attribute: str = ""

    def __repr__(self) -> str:
        return f"<SAML party {self.entity_id}>"

    @cached_property
    def settings(self) -> OneLogin_Saml2_Settings:
        """For logins: signed assertions, whatever else is signed."""
        return self._settings(want_messages_signed=False)

    def _settings(self, *, want_messages_signed: bool) -> OneLogin_Saml2_Settings:
        provider = {
            "entityId": self.entity_id,
            "singleSignOnService": {"url": self.sso_url, "binding": REDIRECT},
            "x509certMulti": {"signing": list(self.certificates)},
        }
        if self.slo_url:
            provider["singleLogoutService"] = {"url": self.slo_url, "binding": REDIRECT}
        try:
            return OneLogin_Saml2_Settings(
                {**_ourselves(self, want_messages_signed=want_messages_signed), "idp": provider}
            )
        except OneLogin_Saml2_Error as error:
            raise SettingsRefused(
                words=_("its addresses or certificates are incomplete (%(words)s).") % {"words": error}
            ) from error

    def _auth(self, url: str, query: dict[str, str], *, want_messages_signed: bool = False) -> OneLogin_Saml2_Auth:
        settings = self._settings(want_messages_signed=want_messages_signed)
        return OneLogin_Saml2_Auth(_request(url, query), old_settings=settings)

    def login_url(self, *, relay_state: str, fresh_login: bool = False) -> tuple[str, str]:
        """Where a browser is sent to log in, and the id of the request it carries."""
        auth = self._auth(self.own_acs_url, {})
        url = auth.login(return_to=relay_state, force_authn=fresh_login)
        return url, str(auth.get_last_request_id())

    def read(self, *, response: str, now: datetime) -> Answer:
        """The claims of a posted response. Raises `AnswerRefused` for whatever must not be believed.

        Whether `in_reply_to` is a request of ours (or empty, where logins may begin at the provider), and whether the
        assertion was spent, is for the caller to know.
        """
        if not response or len(response) > MAX_MESSAGE:
            raise AnswerRefused("unreadable", "no response, or one too large")
        read: Any = None
        try:
            read = OneLogin_Saml2_Response(self.settings, response)
            read.is_valid(_request(self.own_acs_url, {}), raise_exceptions=True)
            assertion = read.get_xml_document() if not read.encrypted else read.decrypted_document
            return self._answer(read, _the_assertion(assertion), now)
        except OneLogin_Saml2_ValidationError as error:
            reason = "signature" if error.code == Refusal.INVALID_SIGNATURE else REASONS.get(error.code, "unreadable")
            raise AnswerRefused(reason, str(error)) from error
        except (
            OneLogin_Saml2_Error,
            etree.Error,
            xmlsec.Error,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
        ) as error:
            # Hostile XML breaks the library in many ways; all of them mean that there is nothing to believe.
            raise AnswerRefused("unreadable", f"{type(error).__name__}: {error}") from error

    def _answer(self, read: Any, assertion: Any, now: datetime) -> Answer:
        destination = read.document.get("Destination")
        if destination is not None and destination != self.own_acs_url:
            raise AnswerRefused("recipient", f"destination is {destination!r}")
        restrictions = assertion.findall("saml:Conditions/saml:AudienceRestriction", NAMES)
        for restriction in restrictions:
            audiences = [(one.text or "").strip() for one in restriction.findall("saml:Audience", NAMES)]
            if self.own_entity_id not in audiences:
                raise AnswerRefused("audience", f"made for {audiences}")
        if not restrictions:
            raise AnswerRefused("audience", "made for nobody in particular")
        reply_to, until = self._confirmed(assertion, now)
        outer = read.document.get("InResponseTo") or ""
        if outer != reply_to:
            raise AnswerRefused("in_response_to", f"the response answers {outer!r}, the assertion {reply_to!r}")
        attributes = read.get_attributes()
        subject = str(read.get_nameid() or "")
        if not subject:
            raise AnswerRefused("unreadable", "no NameID")
        return Answer(
            claims=self._claims(subject, str(read.get_nameid_format() or ""), attributes, read.get_session_index()),
            key=sha256(f"{self.entity_id}|{assertion.get('ID')}".encode()).hexdigest(),
            expires_at=until + DRIFT,
            in_reply_to=reply_to,
        )

    def _confirmed(self, assertion: Any, now: datetime) -> tuple[str, datetime]:
        """What the assertion answers and how long it is good, by a bearer confirmation made for exactly this address."""
        refused = AnswerRefused("unreadable", "no bearer confirmation")
        for one in assertion.findall("saml:Subject/saml:SubjectConfirmation", NAMES):
            data = one.find("saml:SubjectConfirmationData", NAMES)
            if one.get("Method") != BEARER or data is None:
                continue
            if data.get("Recipient") != self.own_acs_url:
                refused = AnswerRefused("recipient", f"recipient is {data.get('Recipient')!r}")
                continue
            until = _instant(data.get("NotOnOrAfter"))
            if until is None or until + DRIFT <= now:
                refused = AnswerRefused("expired", f"not on or after {data.get('NotOnOrAfter')!r}")
                continue
            return data.get("InResponseTo") or "", until
        raise refused

    def _claims(self, subject: str, form: str, attributes: dict[str, list[str]], session: Any) -> Claims:
        email = _first(attributes, self.email_attribute, EMAIL_ATTRIBUTES)
        if not email and not self.email_attribute and (form == EMAIL_NAME or "@" in subject):
            email = subject
        names = (self.groups_attribute,) if self.groups_attribute else GROUP_ATTRIBUTES
        groups = next((texts(attributes[name]) for name in names if attributes.get(name)), ())
        return Claims(
            subject=subject if len(subject) <= 255 else sha256(subject.encode()).hexdigest(),
            email=email.strip().lower()[:254],
            name=_first(attributes, self.name_attribute, NAME_ATTRIBUTES)[:120],
            groups=groups,
            session=str(session or "")[:255],
            extra={"name_id": subject[:1000], "name_id_format": form},
        )

    def logout_url(self, *, name_id: str, name_id_format: str, session: str, relay_state: str) -> str:
        """Where a browser is sent to log out there too; empty when the provider has no such place."""
        if not self.slo_url:
            return ""
        auth = self._auth(self.own_slo_url, {})
        return auth.logout(
            return_to=relay_state,
            name_id=name_id,
            session_index=escape(session) or None,
            name_id_format=name_id_format or None,
        )

    def answer_logout(self, *, query: dict[str, str], end: Callable[[str, list[str]], None]) -> str:
        """Do what a logout message asks: `end(name id, sessions)`, and say where the browser goes back to, or nothing.

        Unsigned requests are refused. An answer to a request of ours ends nothing here, so nothing in it need be true.
        Raises `AnswerRefused`.
        """
        if "SAMLRequest" not in query:
            return ""
        auth = self._auth(self.own_slo_url, query, want_messages_signed=True)
        try:
            target = auth.process_slo(keep_local_session=True)
            if auth.get_errors():
                words = auth.get_last_error_reason() or ", ".join(auth.get_errors())
                raise AnswerRefused("unsigned" if "Signature" not in query else "signature", words)
            said = auth.get_last_request_xml()
            name_id = OneLogin_Saml2_Logout_Request.get_nameid(said, self.own_key)
            end(str(name_id), OneLogin_Saml2_Logout_Request.get_session_indexes(said))
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError) as error:
            raise AnswerRefused("unreadable", str(error)) from error
        except (etree.Error, ValueError, TypeError, AttributeError, KeyError, zlib.error) as error:
            raise AnswerRefused("unreadable", f"{type(error).__name__}: {error}") from error
        return str(target or "")


def own_metadata(party: Party) -> bytes:
    """Our side as XML, for the provider to read."""
    settings = OneLogin_Saml2_Settings(_ourselves(party, want_messages_signed=False), sp_validation_only=True)
    said = settings.get_sp_metadata()
    return said if isinstance(said, bytes) else said.encode()


def own_keys(name: str, now: datetime) -> tuple[str, str]:
    """A fresh certificate of ours, signed by itself as SAML's are, and its key; both as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * OWN_KEY_YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def fetch_metadata(url: str, *, private_addresses: bool) -> str:
    """The metadata at an address. Raises `SettingsRefused` and `ops.kernel.http`'s failures."""
    with http.client(url, timeout=TIMEOUT_S, public_only=not private_addresses, max_bytes=MAX_MESSAGE * 4) as outside:
        answer = outside.get(url)
    try:
        return answer.content.decode("utf-8-sig")
    except UnicodeError as error:
        raise SettingsRefused(words=_("its metadata cannot be read.")) from error


def describe(metadata: str, *, entity_id: str = "") -> Description:
    """What metadata says about its provider; `entity_id` chooses among several. Raises `SettingsRefused`."""
    try:
        parsed = OneLogin_Saml2_IdPMetadataParser.parse(metadata.strip().encode(), entity_id=entity_id or None)
    except Exception as error:
        raise SettingsRefused(words=_("its metadata cannot be read.")) from error
    found = parsed.get("idp", {})
    certificates = found.get("x509certMulti", {}).get("signing") or [found.get("x509cert", "")]
    described = Description(
        entity_id=found.get("entityId", ""),
        sso_url=found.get("singleSignOnService", {}).get("url", ""),
        slo_url=found.get("singleLogoutService", {}).get("url", ""),
        certificates=tuple(pem(one) for one in certificates if one),
    )
    if not (described.entity_id and described.sso_url and described.certificates):
        raise SettingsRefused(
            words=_("its metadata lack the entity id, the login address by redirect or the signing certificate.")
        )
    return described


def pem(text: str) -> str:
    """A certificate as PEM, from PEM or the bare letters metadata has. Raises `SettingsRefused`."""
    body = "".join(text.replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "").split())
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    wrapped = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    try:
        x509.load_pem_x509_certificate(wrapped.encode())
    except ValueError as error:
        raise SettingsRefused(words=_("what stands there as a certificate is none.")) from error
    return wrapped


def expiry(certificate: str) -> datetime:
    """Until when a certificate is meant to be used."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def fingerprint(certificate: str) -> str:
    """SHA-256 of a certificate, as consoles show it."""
    digest = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))


def _ourselves(party: Party, *, want_messages_signed: bool) -> dict[str, Any]:
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": party.own_entity_id,
            "assertionConsumerService": {"url": party.own_acs_url, "binding": POST},
            "singleLogoutService": {"url": party.own_slo_url, "binding": REDIRECT},
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            "x509cert": party.own_certificate,
            "privateKey": party.own_key,
        },
        "security": {
            "authnRequestsSigned": True,
            "logoutRequestSigned": True,
            "logoutResponseSigned": True,
            "wantAssertionsSigned": True,
            "wantMessagesSigned": want_messages_signed,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
            "signatureAlgorithm": RSA_SHA256,
            "digestAlgorithm": SHA256,
        },
    }


def _request(url: str, query: dict[str, str]) -> dict[str, Any]:
    """What python3-saml wants to know of a request: our own address, as we gave it to the provider."""
    parts = urlsplit(url)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": query,
        "post_data": {},
    }


def _the_assertion(document: Any) -> Any:
    """The one assertion, after making sure that what is signed is it and nothing less."""
    assertions = document.findall(".//saml:Assertion", NAMES)
    if len(assertions) != 1 or document.find("saml:Assertion", NAMES) is not assertions[0]:
        raise AnswerRefused("signature", "the assertion does not stand where it should")
    assertion = assertions[0]
    ids = [one.get(name) for one in document.iter() for name in ("ID", "Id", "id") if one.get(name)]
    signatures = assertion.findall("ds:Signature", NAMES)
    references = assertion.findall("ds:Signature/ds:SignedInfo/ds:Reference", NAMES)
    if len(ids) != len(set(ids)) or len(signatures) != 1 or len(references) != 1:
        raise AnswerRefused("signature", "an id, a signature or a reference stands there twice")
    if references[0].get("URI") != f"#{assertion.get('ID')}":
        raise AnswerRefused("signature", "the signature is about something else")
    used = {one.get("Algorithm") for one in references[0].findall("ds:Transforms/ds:Transform", NAMES)}
    if not used <= TRANSFORMS:
        raise AnswerRefused("signature", f"transforms {sorted(used - TRANSFORMS)}")
    return assertion


def _first(attributes: dict[str, list[str]], chosen: str, usual: tuple[str, ...]) -> str:
    names = (chosen,) if chosen else usual
    return next((found[0] for name in names if (found := texts(attributes.get(name)))), "")


def _instant(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

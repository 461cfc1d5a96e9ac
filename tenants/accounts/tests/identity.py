"""Login services that tests make up with real keys: an OpenID provider on the loopback, and a SAML provider that signs."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

import jwt
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from tenants.accounts.models import IdentityProvider
from tenants.accounts.providers import saml
from tenants.accounts.tests.factories import IdentityProviderFactory


@lru_cache
def rsa_key(name: str = "first") -> rsa.RSAPrivateKey:
    """A key of that name, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache
def certificate(name: str = "idp") -> tuple[str, str]:
    """Certificate and key of that name, made once."""
    return saml.own_keys(name, datetime.now(tz=UTC))


class OpenIDProvider:
    """Discovery, keys and a token endpoint over a real socket; `says` is what the next login is told."""

    def __init__(self, http: Any, *, issuer: str = "", client_id: str = "balcao") -> None:
        self.http, self.client_id = http, client_id
        self.issuer = issuer or http.url
        self.keys = {"first": rsa_key("first")}
        http.on("GET", "/.well-known/openid-configuration").reply(200, self.discovery())
        self.publish()

    def discovery(self, **changes: Any) -> dict[str, Any]:
        """What it publishes about itself."""
        at = self.http.url
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys",
            "end_session_endpoint": f"{at}/logout",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **changes,
        }

    def publish(self) -> None:
        """Its keys as they are now."""
        rows = []
        for kid, key in self.keys.items():
            row = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            rows.append({**row, "kid": kid, "use": "sig", "alg": "RS256"})
        self.http.on("GET", "/keys").reply(200, {"keys": rows})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A token's content that is good in everything but its nonce."""
        now = datetime.now(tz=UTC)
        return {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": self.client_id,
            "exp": now + timedelta(minutes=5),
            "iat": now,
            "email": "dora@acme.example",
            "email_verified": True,
            "name": "Dora Dias",
            "groups": [],
            **changes,
        }

    def sign(self, claims: dict[str, Any], *, kid: str = "first", algorithm: str = "RS256", key: Any = None) -> str:
        """A token under one of its keys; claims that are nothing are left out."""
        content = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(content, self.keys[kid] if key is None else key, algorithm=algorithm, headers={"kid": kid})

    def answers(self, token: str) -> None:
        """What the token endpoint gives next."""
        body = {"access_token": "at", "token_type": "Bearer", "id_token": token}
        self.http.on("POST", "/token").reply(200, body)

    def row(self, **fields: Any) -> IdentityProvider:
        """How the tenant set it up."""
        fields.setdefault("domains", ["acme.example"])
        return IdentityProviderFactory(kind="oidc", issuer=self.issuer, client_id=self.client_id, **fields)


def begun(client: Any, provider: IdentityProvider, query: str = "") -> dict[str, str]:
    """A browser sets off; gives what the provider is told."""
    answer = client.get(f"/sso/{provider.pk}/{query}")
    assert answer.status_code == 302, answer.content.decode()
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


# --- SAML -------------------------------------------------------------------------------------------

ENTITY = "https://idp.acme.example/metadata"
ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{assertion_id}" Version="2.0" IssueInstant="{now}">\
<saml:Issuer>{issuer}</saml:Issuer>\
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>\
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">\
<saml:SubjectConfirmationData{in_response_to} NotOnOrAfter="{until}"{recipient}/></saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}">{audience}</saml:Conditions>\
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="{session}"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>\
</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"""
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{response_id}" Version="2.0" \
IssueInstant="{now}"{destination}{in_response_to}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}\
</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>\
{assertion}</samlp:Response>"""


class SamlProvider:
    """A provider that answers requests of ours, well or badly."""

    def __init__(self, *, name: str = "idp", entity: str = ENTITY) -> None:
        self.entity = entity
        self.certificate, self.key = certificate(name)

    def row(self, **fields: Any) -> IdentityProvider:
        """How the tenant set it up."""
        own_certificate, own_key = certificate("own")
        fields.setdefault("domains", ["acme.example"])
        return IdentityProviderFactory(
            kind="saml",
            name="Acme SAML",
            issuer="",
            client_id="",
            client_secret="",
            entity_id=self.entity,
            sso_url="https://idp.acme.example/sso",
            slo_url="https://idp.acme.example/slo",
            certificate=fields.pop("certificate", self.certificate),
            own_certificate=own_certificate,
            own_key=own_key,
            **fields,
        )

    def parts(self, provider: IdentityProvider, request_id: str, **changes: Any) -> dict[str, Any]:
        """What a good answer is made of."""
        base = f"http://acme.localhost/sso/{provider.pk}"
        return {
            "issuer": self.entity,
            "subject": "subject-1",
            "request_id": request_id,
            "acs": f"{base}/acs/",
            "audience": f"{base}/metadata/",
            "attributes": {"email": ["dora@acme.example"], "displayName": ["Dora Dias"], "groups": []},
            "age": timedelta(0),
            "session": "session-1",
            **changes,
        }

    def response(self, provider: IdentityProvider, request_id: str = "", *, sign: bool = True, **changes: Any) -> str:
        """An answer as XML, its assertion signed."""
        parts = self.parts(provider, request_id, **changes)
        return self.wrap(parts, self.assertion(parts, sign=sign))

    def assertion(self, parts: dict[str, Any], *, sign: bool = True) -> str:
        """Its assertion."""
        now = datetime.now(tz=UTC) - parts["age"]
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(
                f'<saml:AttributeValue xsi:type="xs:string">{escape(one)}</saml:AttributeValue>' for one in values
            )
            + "</saml:Attribute>"
            for name, values in parts["attributes"].items()
            if values
        )
        audience = parts["audience"] and (
            f"<saml:AudienceRestriction><saml:Audience>{parts['audience']}</saml:Audience></saml:AudienceRestriction>"
        )
        text = ASSERTION.format(
            assertion_id=parts.get("assertion_id") or f"_{uuid4().hex}",
            now=_instant(now),
            since=_instant(now - timedelta(minutes=1)),
            until=_instant(now + timedelta(minutes=5)),
            issuer=parts["issuer"],
            subject=parts["subject"],
            in_response_to=_attribute("InResponseTo", parts["request_id"]),
            recipient=_attribute("Recipient", parts["acs"]),
            audience=audience,
            attributes=attributes,
            session=parts["session"],
        )
        return self.signed(text) if sign else text

    def signed(self, text: str, *, digest: str = saml.SHA256, algorithm: str = saml.RSA_SHA256) -> str:
        """XML with a signature of its root."""
        made = OneLogin_Saml2_Utils.add_sign(
            text, self.key, self.certificate, sign_algorithm=algorithm, digest_algorithm=digest
        )
        return made.decode() if isinstance(made, bytes) else made

    def encrypted(self, assertion: str, certificate: str) -> str:
        """The assertion as only whoever holds the key of that certificate can read it."""
        holder = etree.fromstring(f'<saml:EncryptedAssertion xmlns:saml="{saml.NAMES["saml"]}"/>')
        holder.append(etree.fromstring(assertion))
        data = xmlsec.template.encrypted_data_create(
            holder, xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
        )
        xmlsec.template.encrypted_data_ensure_cipher_value(data)
        info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="dsig")
        xmlsec.template.encrypted_data_ensure_cipher_value(
            xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
        )
        keys = xmlsec.KeysManager()
        keys.add_key(xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM))
        context = xmlsec.EncryptionContext(keys)
        context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
        sealed = context.encrypt_xml(data, holder[0])
        return etree.tostring(sealed.getparent()).decode()

    def wrap(self, parts: dict[str, Any], assertion: str) -> str:
        """The response around assertions."""
        return RESPONSE.format(
            response_id=f"_{uuid4().hex}",
            now=_instant(datetime.now(tz=UTC) - parts["age"]),
            destination=_attribute("Destination", parts["acs"]),
            in_response_to=_attribute("InResponseTo", parts.get("outer_request_id", parts["request_id"])),
            issuer=parts["issuer"],
            assertion=assertion,
        )

    def logout_request(self, provider: IdentityProvider, *, sign: bool = True, name_id: str = "subject-1") -> dict:
        """A logout message of the provider, as the query of a browser it sends to us."""
        text = (
            f'<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
            f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{uuid4().hex}" Version="2.0" '
            f'IssueInstant="{_instant(datetime.now(tz=UTC))}" Destination="http://acme.localhost/sso/{provider.pk}/logout/">'
            f"<saml:Issuer>{self.entity}</saml:Issuer><saml:NameID>{name_id}</saml:NameID>"
            f"<samlp:SessionIndex>session-1</samlp:SessionIndex></samlp:LogoutRequest>"
        )
        packed = zlib.compress(text.encode())[2:-4]
        query = {"SAMLRequest": base64.b64encode(packed).decode(), "RelayState": "back"}
        if sign:
            said = OneLogin_Saml2_Utils.escape_url
            message = f"SAMLRequest={said(query['SAMLRequest'])}&RelayState=back&SigAlg={said(saml.RSA_SHA256)}"
            raw = OneLogin_Saml2_Utils.sign_binary(message, self.key, xmlsec.Transform.RSA_SHA256)
            query |= {"SigAlg": saml.RSA_SHA256, "Signature": base64.b64encode(raw).decode()}
        return query


def request_of(location: str) -> Any:
    """The request a redirect to a SAML provider carries."""
    packed = parse_qs(urlsplit(location).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(packed), -15))


def posted(client: Any, provider: IdentityProvider, xml: str) -> Any:
    """A browser brings the answer: posted from the provider's site, and then, when it is believed, the last step."""
    answer = client.post(f"/sso/{provider.pk}/acs/", {"SAMLResponse": base64.b64encode(xml.encode()).decode()})
    return client.get(answer["Location"]) if answer.status_code == 303 else answer


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _attribute(name: str, value: str) -> str:
    return f' {name}="{value}"' if value else ""

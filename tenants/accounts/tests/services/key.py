"""A passkey in software: what a telephone answers, for tests that need no browser."""

import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestedCredentialData, AuthenticatorData


class SoftKey:
    """One key for one host. It counts its uses, and verifies its holder."""

    def __init__(self, host: str, origin: str) -> None:
        self.host, self.origin, self.count = host, origin, 0
        self.secret = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(16)
        self.handle = b""

    def make(self, question) -> str:
        """The answer to a question that asks for a new key."""
        asked = question.options["publicKey"]
        self.handle = asked["user"]["id"]
        data = AttestedCredentialData.create(b"\0" * 16, self.id, ES256.from_cryptography_key(self.secret.public_key()))
        stated = cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(self._data(0x41 | 0x04, data))})
        return self._answer({"attestationObject": stated}, "webauthn.create", asked["challenge"])

    def show(self, question, *, handle: bool = True, origin: str = "") -> str:
        """The answer to a question that asks for a key there is."""
        asked = question.options["publicKey"]
        self.count += 1
        data = bytes(self._data(0x05))
        said = self._said("webauthn.get", asked["challenge"], origin)
        signature = self.secret.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        more = {"authenticatorData": data, "signature": signature}
        answer = json.loads(self._answer(more, "webauthn.get", asked["challenge"], origin))
        if handle:
            answer["response"]["userHandle"] = self.handle
        return json.dumps(answer)

    def _data(self, flags: int, attested: bytes = b"") -> AuthenticatorData:
        return AuthenticatorData.create(hashlib.sha256(self.host.encode()).digest(), flags, self.count, attested)

    def _said(self, kind: str, challenge: str, origin: str = "") -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin}).encode()

    def _answer(self, parts: dict[str, bytes], kind: str, challenge: str, origin: str = "") -> str:
        response = {name: websafe_encode(value) for name, value in parts.items()}
        response["clientDataJSON"] = websafe_encode(self._said(kind, challenge, origin))
        identity = websafe_encode(self.id)
        return json.dumps(
            {
                "id": identity,
                "rawId": identity,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )

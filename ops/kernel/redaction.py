"""Masks secrets before they reach a log, an audit entry or an error report."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "********"

# Names that hold secrets; a name is compared in lower case without separators.
SECRET_NAME = re.compile(
    r"password|passwd|secret|token|apikey|authorization|cookie|credential|privatekey|signature|accesskey|otp|pincode|cardnumber|cvv|csrf|sessionid|sessionkey|fieldkey",
)
# Values that are secrets wherever they stand: bearer tokens, JWTs, keys of known services, userinfo of a URL.
SECRET_VALUE = re.compile(
    r"(?P<bearer>\b(?:Bearer|Token|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"
    r"|\b(?:sk|pk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{8,}"
    r"|\bsk-[A-Za-z0-9_-]{16,}"
    r"|(?P<scheme>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)"
    r"|(?P<query>[?&](?:[a-z_]*token|api_?key|key|secret|signature|sig|password)=)[^&\s\"']+"
    r"|(?P<telegram>/bot\d+:)[A-Za-z0-9_-]{20,}",
    re.IGNORECASE,
)
# These look like secrets by their name and are not: numbers of model tokens, and yes-or-no answers.
NOT_SECRET = {"tokensin", "tokensout", "tokens", "maxtokens", "totaltokens"}


def is_secret_name(name: str) -> bool:
    """Whether a field of this name must not be shown."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain not in NOT_SECRET and SECRET_NAME.search(plain) is not None


def redact_text(text: str) -> str:
    """The text with everything that looks like a credential masked."""
    return SECRET_VALUE.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    kept = next((value for value in match.groupdict().values() if value), "")
    return kept + MASK


def _hides(name: str, value: Any) -> bool:
    """Whether this field holds a secret; "is one set" (yes, no, nothing) is none."""
    return is_secret_name(name) and value is not None and value != "" and not isinstance(value, bool)


def redact(value: Any, *, depth: int = 8) -> Any:
    """A copy with secret fields and credentials inside texts masked; other types stay what they are."""
    if depth < 0:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(name): MASK if _hides(str(name), inner) else redact(inner, depth=depth - 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, depth=depth - 1) for inner in value]
    if isinstance(value, str):
        return redact_text(value)
    return value

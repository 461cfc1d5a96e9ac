"""Where browsers ask for their own address (STUN) and for a detour when they cannot reach each other (TURN)."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from ops.kernel.configuration import services as configuration

SETTING = "chat.calls"
# A call may last this long; the relay refuses the name afterwards.
LIFE = timedelta(hours=6)
SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def servers(*, who: str, now: datetime) -> list[dict[str, Any]]:
    """`RTCConfiguration.iceServers` for one person.

    The relay's name and password are made from its shared secret and good for hours (coturn's `use-auth-secret`,
    draft-uberti-behave-turn-rest): name = instant it ends, a colon, anything; password = base64(HMAC-SHA1(secret, name)).
    """
    values = configuration.get(SETTING)
    found: list[dict[str, Any]] = []
    if values["stun_urls"]:
        found.append({"urls": list(values["stun_urls"])})
    secret = values["turn_secret"].reveal()
    if values["turn_urls"] and secret:
        name = f"{int((now + LIFE).timestamp())}:{connection.schema_name}.{who}"
        password = base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()
        found.append({"urls": list(values["turn_urls"]), "username": name, "credential": password})
    return found


def shown() -> dict[str, Any]:
    """The setting for its form, the secret masked."""
    return configuration.get(SETTING).masked()


def check_urls(values: list[Any]) -> None:
    """Whether every address is one of a STUN or TURN server. Raises `ValidationError`."""
    for value in values:
        if not isinstance(value, str) or not value.startswith(SCHEMES) or len(value) > 200 or " " in value:
            raise ValidationError(_("Write addresses such as stun:stun.example:3478 or turn:turn.example:3478."))

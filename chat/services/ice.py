"""Where browsers ask for their own address (STUN) and for a detour when they cannot reach each other (TURN)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.providers import relay
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Credential, Definition, Field, Tested
from ops.kernel.configuration.values import Source
from ops.kernel.errors import PermanentFailure, TemporaryFailure

SETTING = "chat.calls"
# A call may last this long; the relay refuses the name afterwards.
LIFE = timedelta(hours=6)
SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def servers(*, who: str, now: datetime) -> list[dict[str, Any]]:
    """`RTCConfiguration.iceServers` for one person.

    The relay's name and password are made from its shared secret and good for hours (coturn's `use-auth-secret`,
    draft-uberti-behave-turn-rest): name = instant it ends, a colon, anything; password = base64(HMAC-SHA1(secret, name)).
    """
    return offered(configuration.get(SETTING), who=who, now=now)


def offered(values: Mapping[str, Any], *, who: str, now: datetime) -> list[dict[str, Any]]:
    """The same from these values, for trying them."""
    found: list[dict[str, Any]] = []
    if values["stun_urls"]:
        found.append({"urls": list(values["stun_urls"])})
    secret = values["turn_secret"].reveal()
    if values["turn_urls"] and secret:
        name = f"{int((now + LIFE).timestamp())}:{connection.schema_name}.{who}"
        password = base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()
        found.append({"urls": list(values["turn_urls"]), "username": name, "credential": password})
    return found


def check(values: Mapping[str, Any]) -> Tested:
    """Ask every server whether it answers and, a relay, whether it takes the name made from the secret."""
    made = offered(values, who="check", now=timezone.now())
    typed_in = getattr(values, "sources", {}).get("turn_urls") in {Source.OWN, Source.GROUP}
    asked = 0
    for server in made:
        for url in server["urls"]:
            place = relay.place_of(url)
            if place is None:
                continue  # over TLS; browsers will tell
            asked += 1
            try:
                relay.ask(
                    place,
                    user=server.get("username", ""),
                    password=server.get("credential", ""),
                    public_only=typed_in and not settings.SERVICE_PRIVATE_ADDRESSES,
                )
            except PermanentFailure as failure:
                return Tested(False, f"{url}: {failure.words}", is_refused=isinstance(failure, relay.Refused))
            except TemporaryFailure as failure:
                return Tested(False, f"{url}: {failure.words}")
    if not asked:
        return Tested(True, _("These servers are asked over TLS, which only a call can try."))
    return Tested(True, _("Every server answers, and the relay takes the secret."))


def check_urls(values: list[Any]) -> None:
    """Whether every address is one of a STUN or TURN server. Raises `ValidationError`."""
    for value in values:
        if not isinstance(value, str) or not value.startswith(SCHEMES) or len(value) > 200 or " " in value:
            raise ValidationError(_("Write addresses such as stun:stun.example:3478 or turn:turn.example:3478."))


DEFINITION = Definition(
    SETTING,
    _("Calls"),
    (
        Field("ring_s", _("Seconds a call rings"), int, 45, min_value=15, max_value=50),
        Field("stun_urls", _("STUN servers"), list, [], setting="STUN_URLS", validate=check_urls),
        Field("turn_urls", _("TURN servers"), list, [], setting="TURN_URLS", validate=check_urls),
        Field("turn_secret", _("TURN shared secret"), secret=True, setting="TURN_SECRET"),
    ),
    together=("turn_urls", "turn_secret"),
)
CREDENTIAL = Credential(
    SETTING,
    _("Relay for calls"),
    "phone",
    _("A TURN server, for callers whose networks do not let them reach each other."),
    needs=("turn_urls",),
    test=check,
    order=30,
)


def shown() -> dict[str, Any]:
    """The setting for its form, the secret masked."""
    return configuration.get(SETTING).masked()

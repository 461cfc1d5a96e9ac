"""Telling open widgets what the company may no longer use."""

from billing import entitlements
from chat.services import attachments, journal
from ops.kernel import live


def tell() -> None:
    """Say which features are off for the whole company: the pages that are open were drawn when they may have been on.

    Nothing rests on it; every upload and every call is judged when it begins.
    """
    on = {**attachments.allowed(), "video": entitlements.flag("videoCall")}
    off = sorted(name for name, is_on in on.items() if not is_on)
    live.publish(live.group("visitors"), journal.forward({"type": "features", "off": off}))
